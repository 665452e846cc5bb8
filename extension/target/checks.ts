export { type CheckCode, checkCodes, type Severity } from '../../emulator/local/checks/codes.ts';
export type { Finding } from '../../emulator/local/checks/finding.ts';
