/**
 * The codes of errors that the user can fix, each with its meaning. The codes are stable: programs match them
 * (`--json`, the editor), while the sentences next to them may change. New codes are added here; no code is reused for
 * another meaning.
 */
export const userErrorCodes = {
  ACCESS_DENIED: 'A file or folder belongs to another user.',
  APP_FILES_MISSING: 'Files of the app (`app_files`) were not uploaded with this revision.',
  ARGUMENT_INVALID: 'An argument of the command has an invalid value.',
  BUILD_FAILED: 'The environment of the app could not be built.',
  COMMAND_UNKNOWN: 'There is no such command.',
  CONTAINER_NOT_SUPPORTED: 'The app is a container image without a function.',
  DATABASE_LOCKED: 'Another program has locked the database in the data folder.',
  DATABASE_NEWER: 'A newer minifal wrote the database.',
  DATABASE_UNREADABLE: 'The database in the data folder cannot be opened.',
  DATA_FOLDER_FOREIGN: 'The folder contains something other than minifal data.',
  DATA_FOLDER_GONE: 'The data folder was deleted, moved or replaced while minifal was running.',
  DATA_FOLDER_NOEXEC: 'Programs cannot be run from the data folder.',
  DATA_FOLDER_UNUSABLE: 'The data folder cannot be created, written or locked.',
  DESCRIPTORS_EXHAUSTED: 'The process has no file descriptors left.',
  DISK_FAILING: 'The disk of the data folder reports errors.',
  DISK_FULL: 'The disk of the data folder is full.',
  DISK_READ_ONLY: 'The disk of the data folder is read-only.',
  ENVIRONMENT_MISSING: 'The revision was stored without an environment.',
  FAL_MISSING: 'There is no `fal` command.',
  FUNCTION_MISSING: 'The stored function of the revision is missing.',
  KEYCHAIN_ORDER_INVALID: 'Standard input does not contain what `--keychain` expects.',
  KEY_UNKNOWN: 'The emulator does not accept the key of this data folder.',
  LOG_PATTERN_TOO_SLOW: 'A regular expression takes too long on a line of the log.',
  NOT_RUNNING: 'No emulator is running.',
  NO_ANSWER: 'The emulator does not answer.',
  OWNED_BY_OTHER_USER: 'The emulator or its data folder belongs to another user.',
  PORT_IN_USE: 'Another program uses the port.',
  PORT_NOT_PERMITTED: "You don't have permission to open the port.",
  PYTHON_MISSING: 'There is no Python, and no uv to install one.',
  PYTHON_UNAVAILABLE: 'The Python version that the app asks for is not on this machine.',
  REVISION_UNKNOWN: 'There is no such revision.',
  SECRETS_SEALED: 'The secrets are sealed by a keychain that is not available.',
  SECRET_KEY_DAMAGED: 'The file with the key of the secrets is damaged.',
  SHARE_REFUSED: 'The folder cannot be shared with apps.',
  START_TIMED_OUT: 'Another start of the emulator did not become ready.',
  STILL_RUNNING: 'An emulator is using the data folder.',
  STOP_TIMED_OUT: 'The emulator did not stop in time.',
  UV_NOT_INSTALLED: 'uv could not be installed.',
  UV_UNUSABLE: 'MINIFAL_UV does not point to a usable uv.',
  VERSION_DIFFERS: 'Another version of minifal answers.',
} as const;

export type UserErrorCode = keyof typeof userErrorCodes;
