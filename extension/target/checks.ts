export { builtPackages } from '../../emulator/local/checks/built-packages.ts';
export { type CheckCode, checkCodes, type Severity } from '../../emulator/local/checks/codes.ts';
export { fileFacts } from '../../emulator/local/checks/file-facts.ts';
export type { Finding } from '../../emulator/local/checks/finding.ts';
