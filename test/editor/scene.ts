import { inject } from 'vitest';
import { startVsCode, type VsCode, type VsCodeOptions } from '../lab/vscode.ts';
import { type FalWindow, openFalWindow } from './fal-window.ts';
import { type Machine, type MachineOptions, makeMachine } from './machine.ts';

export type SceneOptions = MachineOptions &
  Pick<VsCodeOptions, 'trust' | 'language'> & {
    /** Another package than the one of all tests. */
    readonly vsix?: string;
  };

/** VS Code with the packaged extension on a developer's machine. */
export interface Scene extends Machine {
  readonly vscode: VsCode;
  /** A new window on the workspace. */
  open(): Promise<FalWindow>;
  close(): Promise<void>;
}

export async function setScene({ trust, language, vsix, ...options }: SceneOptions = {}): Promise<Scene> {
  const machine = await makeMachine(options);
  const vscode = await startVsCode({
    ...machine.options,
    vsix: [vsix ?? inject('vsix')],
    ...(trust === undefined ? {} : { trust }),
    ...(language === undefined ? {} : { language }),
  });
  return {
    ...machine,
    vscode,
    open: async () => openFalWindow(await vscode.page()),
    async close() {
      await vscode.close();
      await machine.remove();
    },
  };
}
