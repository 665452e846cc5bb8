export {
  type KeychainOrder,
  keyIdOf,
  type SealedKey,
  sealedKeyOf,
  setKeyAside,
} from '../../emulator/local/secret-file.ts';
