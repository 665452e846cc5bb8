export { type IsolationMode, isolationModes } from '../../emulator/wire/isolation.ts';
