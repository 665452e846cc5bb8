import { printable, printableLines } from '../local/printable.ts';

/** A line for the person at the terminal. What came from apps, requests or files in it is made printable. */
export function say(line: string): void {
  process.stdout.write(`${printable(line)}\n`);
}

/** The same for what went wrong. */
export function complain(line: string): void {
  process.stderr.write(`${printable(line)}\n`);
}

/** Text of several lines for the person at the terminal. */
export function sayLines(text: string): void {
  process.stdout.write(printableLines(text.endsWith('\n') ? text : `${text}\n`));
}
