import * as z from 'zod';

/** An entry of `[tool.fal.apps]`, which `fal run NAME` and `fal deploy NAME` accept in the folder of the file. */
export interface TomlApp {
  readonly name: string;
  /** The name under which it is deployed. */
  readonly appName: string;
  /** Of `FILE::NAME`, from the file's folder; `undefined`: a container image or an entry point. */
  readonly file: string | undefined;
  readonly className: string | undefined;
  /** The module of an entry point, in which `className` is. */
  readonly module?: string;
  /** `app_scale_settings`: each deploy takes the scaling values of the code. */
  readonly resetsScale: boolean;
  /** 0-based; where the entry begins. */
  readonly line: number;
}

const entry = z.looseObject({
  ref: z.string().optional().catch(undefined),
  name: z.string().optional().catch(undefined),
  python_entry_point: z.string().optional().catch(undefined),
  app_scale_settings: z.boolean().optional().catch(undefined),
  /** The older form of the opposite, which wins. */
  no_scale: z.boolean().optional().catch(undefined),
});
const project = z.object({
  tool: z.object({ fal: z.object({ apps: z.record(z.string(), z.unknown()) }) }),
});

export interface TomlProject {
  readonly apps: readonly TomlApp[];
  /** A sentence, and the 0-based line, if the file isn't TOML. */
  readonly error: { readonly line: number; readonly why: string } | undefined;
}

/** The apps of a `pyproject.toml`, as fal/cli/_utils.py (`get_app_data_from_toml`) reads them. */
export function readToml(text: string, parse: (text: string) => unknown): TomlProject {
  if (!/\btool\b/.test(text) || !/\bfal\b/.test(text)) return { apps: [], error: undefined };
  let content: unknown;
  try {
    content = parse(text);
  } catch (error) {
    const { line = 1, message = '' } = error as { readonly line?: number; readonly message?: string };
    return { apps: [], error: { line: line - 1, why: message.split('\n', 1)[0] ?? '' } };
  }
  const parsed = project.safeParse(content);
  if (!parsed.success) return { apps: [], error: undefined };
  const lines = text.split('\n');
  const apps = Object.entries(parsed.data.tool.fal.apps).flatMap(([name, given]): TomlApp[] => {
    const { success, data } = entry.safeParse(given);
    if (!success) return [];
    const { ref, name: deployed, python_entry_point: point, app_scale_settings, no_scale } = data;
    const [file, ofFile] = ref?.split('::', 2) ?? [];
    const [module, ofModule] = point?.split(':', 2) ?? [];
    return [
      {
        name,
        appName: deployed ?? name,
        file,
        className: ofFile ?? ofModule,
        ...(module === undefined ? {} : { module }),
        resetsScale: no_scale === undefined ? app_scale_settings === true : !no_scale,
        line: Math.max(0, lineOf(lines, name)),
      },
    ];
  });
  return { apps, error: undefined };
}

function lineOf(lines: readonly string[], name: string): number {
  const key = `(?:"${escaped(name)}"|'${escaped(name)}'|${escaped(name)})`;
  const header = new RegExp(`^\\s*\\[\\s*tool\\s*\\.\\s*fal\\s*\\.\\s*apps\\s*\\.\\s*${key}\\s*[\\].]`);
  const inTable = new RegExp(`^\\s*(?:apps\\s*\\.\\s*)?${key}\\s*[=.]`);
  const at = lines.findIndex((line) => header.test(line));
  const begin = lines.findIndex((line) => /^\s*\[\s*tool\s*\.\s*fal\s*(\.\s*apps\s*)?\]/.test(line));
  return at >= 0 ? at : lines.findIndex((line, index) => index > begin && inTable.test(line));
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
