import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const limits = { files: 10_000, folders: 20_000, bytes: 1_000_000 };
/** As the editor does. */
const skipped = /^(\..+|venv|node_modules|__pycache__|site-packages|dist|build)$/;

/** The Python files below a folder, sorted; or the file itself. Links are not followed. @throws if there is neither */
export function pythonFiles(path: string): readonly string[] {
  if (!statSync(path).isDirectory()) return [path];
  const found: string[] = [];
  const folders = [path];
  for (let seen = 0; seen < folders.length && seen < limits.folders && found.length < limits.files; seen++) {
    const folder = folders[seen] ?? path;
    for (const entry of entriesOf(folder)) {
      if (entry.isDirectory() && !skipped.test(entry.name)) folders.push(join(folder, entry.name));
      else if (entry.isFile() && entry.name.endsWith('.py')) found.push(join(folder, entry.name));
    }
  }
  return found.slice(0, limits.files).sort();
}

function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** `undefined`: it is too long, can't be read, or is no file, such as a pipe, of which a read would not end. */
export function readPython(path: string): string | undefined {
  try {
    const found = statSync(path);
    if (!found.isFile() || found.size > limits.bytes) return undefined;
    return readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch {
    return undefined;
  }
}
