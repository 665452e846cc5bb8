// The requirements of the tests in a browser and in a real editor, besides npm packages. Plain JavaScript, because `npm
// test` checks them before anything is installed. As a program, it prints the sentence.
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * One sentence with the command that installs the missing parts; `undefined`: everything is installed, or
 * test/lab/vscode-server.sh installs it.
 */
export function missingForEditor(env = process.env) {
  const isThere = (program) => (env.PATH ?? '').split(delimiter).some((folder) => isProgram(join(folder, program)));
  // As root, the lab installs its requirements.
  if (process.getuid?.() === 0 && isThere('apt-get')) return undefined;
  const missing = [];
  if (!(env.CHROMIUM ? isProgram(env.CHROMIUM) || isThere(env.CHROMIUM) : isThere('chromium'))) {
    missing.push('chromium', 'fonts-liberation');
  }
  if (!isBuilt(env)) missing.push(...['g++', 'make', 'python3'].filter((program) => !isThere(program)));
  if (missing.length === 0) return undefined;
  return (
    'Tests in a browser and in the editor are skipped: install their requirements with `sudo apt-get ' +
    `install ${missing.join(' ')}\`.`
  );
}

/** The editor's native module is compiled once. */
function isBuilt(env) {
  const home = env.VSCODE_SERVER_HOME ?? join(root, 'test', '.cache', 'vscode');
  const version = env.CODE_SERVER_VERSION ?? '4.139.1';
  return existsSync(join(home, `code-server-${version}`, 'lib', 'vscode', '.ready'));
}

function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(missingForEditor() ?? '');
