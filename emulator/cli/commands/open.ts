import { printableJson } from '../../local/printable.ts';
import { tryJson } from '../../local/try-json.ts';
import { UserError } from '../../wire/errors.ts';
import { pageCodeAnswer } from '../../wire/pages.ts';
import { askOwner, otherVersion, owned, refusalIn } from '../ask-owner.ts';
import { openInBrowser } from '../browser.ts';
import type { CliOptions } from '../line/options.ts';
import { printLine, printText } from '../print.ts';

/** `minifal open [APP]`: shows the log, or that of an app, in a browser. `words`: those after `open`. */
export async function open(words: readonly string[], options: CliOptions): Promise<number> {
  const [app, extra] = words;
  if (extra !== undefined)
    throw new UserError('ARGUMENT_INVALID', `Unexpected argument: ${extra}.`, 'Use `minifal open [APP] [--print]`.');
  const emulator = owned(options);
  const { status, body } = await askOwner(emulator, '/minifal/pages/code', app === undefined ? {} : { app });
  const refused = refusalIn(body, '`minifal status` shows what is deployed.');
  if (refused) throw refused;
  const answer = pageCodeAnswer.safeParse(tryJson(body));
  if (status !== 200 || !answer.success) throw otherVersion(emulator.port);
  const page = `http://localhost:${emulator.port}${answer.data.path}`;
  // In the fragment, which a browser never sends anywhere.
  const url = `${page}#code=${answer.data.code}`;
  if (options.json) printText(printableJson({ url }));
  else if (!options.print && (await openInBrowser(url, process.env))) printLine(`Opened ${page} in your browser.`);
  else {
    printText(`Open this address within a minute, in a browser on this machine. It works once:\n\n  ${url}\n`);
  }
  return 0;
}
