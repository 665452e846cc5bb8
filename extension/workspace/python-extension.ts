import * as vscode from 'vscode';
import * as z from 'zod';

const environments = z.object({
  getEnvironment: z.custom<(scope: vscode.Uri | undefined) => Promise<unknown>>((value) => typeof value === 'function'),
});
const allEnvironments = z.object({
  getEnvironments: z.custom<(scope: 'all') => Promise<unknown>>((value) => typeof value === 'function'),
});
const knownEnvironments = z.object({ environments: z.looseObject({ known: z.array(z.object({ path: z.string() })) }) });
const environment = z.object({ execInfo: z.object({ run: z.object({ executable: z.string() }) }) });
const python = z.object({
  environments: z.looseObject({
    getActiveEnvironmentPath: z.custom<(scope: vscode.Uri | undefined) => unknown>(
      (value) => typeof value === 'function',
    ),
    resolveEnvironment: z.custom<(path: unknown) => Promise<unknown>>((value) => typeof value === 'function'),
  }),
});
const resolved = z.object({ executable: z.object({ uri: z.object({ fsPath: z.string() }) }) });

/** The interpreter that the user chose in the Python extension, if it is installed. The extension is optional. */
export async function interpreterOfPythonExtension(scope: vscode.Uri | undefined): Promise<string | undefined> {
  try {
    return (await fromEnvironments(scope)) ?? (await fromPython(scope));
  } catch {
    return undefined; // ignores failures of another extension
  }
}

/** All interpreters that the Python extension knows; empty without it. */
export async function interpretersOfPythonExtension(scope: vscode.Uri | undefined): Promise<readonly string[]> {
  const chosen = await interpreterOfPythonExtension(scope);
  const lists = await Promise.all([listOfEnvironments(), listOfPython()].map((list) => list.catch(() => [])));
  return [...(chosen === undefined ? [] : [chosen]), ...lists.flat()];
}

async function listOfEnvironments(): Promise<readonly string[]> {
  const extension = vscode.extensions.getExtension('ms-python.vscode-python-envs');
  const api = allEnvironments.safeParse(await extension?.activate());
  if (!api.success) return [];
  const all = z.array(z.unknown()).parse(await api.data.getEnvironments('all'));
  return all.flatMap((one) => {
    const parsed = environment.safeParse(one);
    return parsed.success ? [parsed.data.execInfo.run.executable] : [];
  });
}

async function listOfPython(): Promise<readonly string[]> {
  const extension = vscode.extensions.getExtension('ms-python.python');
  const api = knownEnvironments.safeParse(await extension?.activate());
  return api.success ? api.data.environments.known.map(({ path }) => path) : [];
}

async function fromEnvironments(scope: vscode.Uri | undefined): Promise<string | undefined> {
  const extension = vscode.extensions.getExtension('ms-python.vscode-python-envs');
  const api = environments.safeParse(await extension?.activate());
  if (!api.success) return undefined;
  const chosen = environment.safeParse(await api.data.getEnvironment(scope));
  return chosen.success ? chosen.data.execInfo.run.executable : undefined;
}

async function fromPython(scope: vscode.Uri | undefined): Promise<string | undefined> {
  const extension = vscode.extensions.getExtension('ms-python.python');
  const api = python.safeParse(await extension?.activate());
  if (!api.success) return undefined;
  const { environments: known } = api.data;
  const chosen = resolved.safeParse(await known.resolveEnvironment(known.getActiveEnvironmentPath(scope)));
  return chosen.success ? chosen.data.executable.uri.fsPath : undefined;
}
