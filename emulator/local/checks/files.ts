import { stringOf } from '../python-code/literal.ts';
import { textOf } from '../python-code/tree.ts';
import { type AppCode, type CheckedCode, settingOf } from './app-code.ts';
import type { CheckFacts } from './facts.ts';
import type { Finding } from './finding.ts';
import { stringsIn } from './settings.ts';

/** docs/platform/rest.md: a synced file has at most 1 GB. */
const maxBytes = 1024 ** 3;

/** Files of `app_files` that the platform refuses. */
export function fileFindings({ source }: CheckedCode, app: AppCode, { fileBytes }: CheckFacts): readonly Finding[] {
  const value = settingOf(app, 'app_files')?.value;
  if (!fileBytes || !value) return [];
  const context = settingOf(app, 'app_files_context_dir')?.literal ?? '.';
  if (typeof context !== 'string') return [];
  return stringsIn(value).flatMap((node): readonly Finding[] => {
    const path = stringOf(textOf(source, node));
    const bytes = path === undefined ? undefined : fileBytes(context, path);
    if (bytes === undefined || bytes <= maxBytes) return [];
    const shown = (bytes / maxBytes).toFixed(1);
    return [
      {
        code: 'file-too-large',
        message:
          `${path} has ${shown} GB, and a file of an app has at most 1 GB. Download it in setup() to /data, where it ` +
          'stays for all runners.',
        from: node.from,
        to: node.to,
        fixes: [],
      },
    ];
  });
}
