import { printable, printableLines } from '../local/printable.ts';

/** Prints a line for the user at the terminal. Text in it that came from apps, requests or files is made printable. */
export function printLine(line: string): void {
  process.stdout.write(`${printable(line)}\n`);
}

/** The same for errors. */
export function printError(line: string): void {
  process.stderr.write(`${printable(line)}\n`);
}

/** Prints text of several lines for the user at the terminal. */
export function printText(text: string): void {
  process.stdout.write(printableLines(text.endsWith('\n') ? text : `${text}\n`));
}
