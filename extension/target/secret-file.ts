export {
  type KeychainOrder,
  keyIdOf,
  type SealedKey,
  sealedKeyOf,
  setKeyAside,
} from '../../emulator/wire/secret-file.ts';
