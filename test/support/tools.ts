import { stopContainerEngine } from './container-engine.ts';
import { pythonTools } from './python.ts';

/**
 * Installs the Python tools that most files need, before several of them would do so at the same time.
 * @returns what is done after the last file
 */
export default async function setUp(): Promise<() => Promise<void>> {
  process.env.MINIFAL_TEST_RUN = String(process.pid);
  await stopContainerEngine();
  await pythonTools();
  return stopContainerEngine;
}
