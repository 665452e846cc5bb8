export { isSealed, type KeychainOrder, setKeyAside } from '../../emulator/wire/secret-file.ts';
