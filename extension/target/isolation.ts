export { huggingFaceModes, isolationModes } from '../../emulator/wire/isolation.ts';
