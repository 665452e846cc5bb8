import { pythonTools } from './python.ts';

/** Installs the Python tools that most files need, before several of them would do so at the same time. */
export default async function setUp(): Promise<void> {
  await pythonTools();
}
