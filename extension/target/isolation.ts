export {
  type HuggingFaceMode,
  huggingFaceModes,
  type IsolationMode,
  isolationModes,
} from '../../emulator/wire/isolation.ts';
