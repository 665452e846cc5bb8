import { run } from './process.ts';

/**
 * The files below a folder that hold one of these texts. Rejects if a file can't be searched, except for the kernel's
 * own files of an overlay, which only root can read.
 */
export async function filesWith(texts: readonly string[], folder: string): Promise<readonly string[]> {
  const patterns = texts.flatMap((text) => ['-e', text]);
  const { code, stdout, stderr } = await run('grep', ['-rlF', ...patterns, folder]);
  const problems = stderr.split('\n').filter((line) => !/^grep: .*\/work: Permission denied$|^$/.test(line));
  if (problems.length > 0 || (code === 2 && stderr === '')) throw new Error(`grep: ${code}\n${problems.join('\n')}`);
  return stdout.split('\n').filter((file) => file !== '');
}
