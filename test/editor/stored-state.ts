import { until } from '../support/wait.ts';
import type { FalWindow } from './fal-window.ts';

/**
 * Waits until the editor has stored a state of this workspace that has the text: any, or the one under `key`. In a
 * browser, it writes states some time after their change, and a page that reloads before then has the older ones.
 */
export async function stateIsStored({ workbench }: FalWindow, text: string, key?: string): Promise<void> {
  const isStored = () =>
    workbench.page.evaluate<boolean>(`(async () => {
      const result = (request) => new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
      const found = [];
      for (const { name } of await indexedDB.databases()) {
        if (!name.startsWith('vscode-web-state-db')) continue;
        const db = await result(indexedDB.open(name));
        const table = db.transaction('ItemTable').objectStore('ItemTable');
        found.push(...(await result(table.getAll(${JSON.stringify(key)}))));
        db.close();
      }
      return found.some((value) => String(value).includes(${JSON.stringify(text)}));
    })()`);
  await until(`the editor has stored ${text}`, isStored);
}
