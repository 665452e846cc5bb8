import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';

/** For tests: another program that holds the database in this kind of transaction until `release`. */
export async function lockElsewhere(file: string, kind: 'IMMEDIATE' | 'EXCLUSIVE'): Promise<() => Promise<void>> {
  const program = `
    const db = new (require('node:sqlite').DatabaseSync)(process.argv[1]);
    db.exec('PRAGMA busy_timeout = 10000; BEGIN ${kind}; UPDATE store_meta SET version = version');
    process.stdin.on('end', () => { db.exec('ROLLBACK'); db.close(); }).resume();
    process.stdout.write('locked');`;
  const child = spawn(process.execPath, ['-e', program, file], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return async () => {
    const gone = once(child, 'exit');
    child.stdin.end();
    await gone;
  };
}
