import { printable } from '../target/printable.ts';
import { withoutTerminalCodes } from '../target/terminal-codes.ts';

/** Characters of a line that the pane shows; the rest of a longer line is cut. */
const maxChars = 2_000;
const maxLines = 200;

/**
 * The lines of a message as a person would see them on a terminal: without its codes, of a progress bar only the last
 * state, with other control characters escaped. Long lines and very many lines are cut. Pure.
 */
export function plainLines(message: string): readonly string[] {
  // What is cut off is never looked at: a message may have a million characters.
  const lines = message.slice(0, maxLines * maxChars).split('\n', maxLines);
  return lines.map((line) => plainLine(line)).filter((line, index) => line !== '' || index === 0);
}

function plainLine(line: string): string {
  const text = withoutTerminalCodes(line.slice(0, 4 * maxChars));
  const shown = text.split('\r').findLast((state) => state.trim() !== '') ?? '';
  const clean = printable(shown.trimEnd().replaceAll('\t', '    '));
  return clean.length > maxChars || line.length > 4 * maxChars ? `${clean.slice(0, maxChars)} …` : clean;
}
