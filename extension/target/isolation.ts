export type { HuggingFaceMode, IsolationMode } from '../../emulator/wire/isolation.ts';
