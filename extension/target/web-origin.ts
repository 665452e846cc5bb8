export { isWebOrigin } from '../../emulator/wire/web-origin.ts';
