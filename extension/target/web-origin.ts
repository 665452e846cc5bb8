export { isWebOrigin } from '../../emulator/local/network/web-origin.ts';
