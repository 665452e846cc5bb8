export { printable } from '../../emulator/local/printable.ts';
