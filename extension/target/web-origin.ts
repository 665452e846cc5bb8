export { isWebOrigin } from '../../emulator/local/web-origin.ts';
