export {
  type KeychainOrder,
  keyIdOf,
  moveKeyAside,
  type SealedKey,
  sealedKeyOf,
} from '../../emulator/local/secret-file.ts';
