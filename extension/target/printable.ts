export { printable, printableLines } from '../../emulator/wire/printable.ts';
