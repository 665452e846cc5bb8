import { run } from './process.ts';

/** The files below a folder that hold one of these texts. Rejects if a file can't be searched. */
export async function filesWith(texts: readonly string[], folder: string): Promise<readonly string[]> {
  const patterns = texts.flatMap((text) => ['-e', text]);
  const { code, stdout, stderr } = await run('grep', ['-rlF', ...patterns, folder]);
  if (stderr !== '' || code === 2) throw new Error(`grep: ${code}\n${stderr}`);
  return stdout.split('\n').filter((file) => file !== '');
}
