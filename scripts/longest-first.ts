import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Starts these files before all others. A fresh clone has no durations of earlier runs, so Vitest starts the largest
 * files first; a small file that takes minutes would then run alone at the end, on one of the cores.
 * @param longest ends of paths, the longest file first
 */
export function longestFirst(longest: readonly string[]) {
  const rank = ({ moduleId }: TestSpecification) => {
    const place = longest.findIndex((file) => moduleId.endsWith(file));
    return place === -1 ? longest.length : place;
  };
  return class extends BaseSequencer {
    override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
      return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
    }
  };
}
