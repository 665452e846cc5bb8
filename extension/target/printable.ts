export { printable, printableLines } from '../../emulator/local/printable.ts';
