import { resolve } from 'node:path';
import * as vscode from 'vscode';
import { Cancelled, Problem } from '../problem.ts';
import { uploadFile } from '../target/calls.ts';
import type { Link } from '../target/link.ts';
import { askRequest } from '../target/requests.ts';
import { t } from '../words.ts';
import type { Answer, Answers } from './answers.ts';
import type { CallArgument } from './call-lenses.ts';
import { answerColumn, isOpen } from './columns.ts';
import { type CallRequest, readRequest } from './documents.ts';
import { type History, isUnfinished, type PastCall } from './history.ts';
import { filesIn, withUrls } from './input-files.ts';
import { contentTypeOf } from './media.ts';
import type { Operation } from './openapi.ts';
import type { Operations } from './operations.ts';
import { outsideOf } from './outside-files.ts';
import { placeInput } from './place-input.ts';
import type { CallOrder } from './run-call.ts';
import type { Targets } from './targets.ts';

/** Further files aren't listed. */
const maxListed = 10;

/** Sends the requests of documents, and shows each answer next to its request. */
export function createSending(deps: {
  readonly link: Link;
  readonly targets: Targets;
  readonly operations: Operations;
  readonly answers: Answers;
  readonly history: Pick<History, 'list'>;
}) {
  const { link, targets, operations, answers, history } = deps;
  /** The answer of each request document, by its URI. */
  const answerOf = new Map<string, vscode.Uri>();
  /** Files outside of the workspace that the user has agreed to upload. */
  const permitted = new Set<string>();

  /** The document's request with the endpoint's method, ready to be sent. */
  async function orderOf(
    request: CallRequest,
    document: vscode.Uri | undefined,
    mode: CallOrder['mode'],
    signal: AbortSignal,
  ): Promise<CallOrder> {
    const { address } = request;
    const target = await targets.started(address, document, signal);
    const operation = await operations.find(address, document);
    const input = await withUploads(request, document, operation, signal);
    const { path, query, body } = placeInput(input, { ...operation, path: address.path });
    return {
      ...{ folder: link.folder, target, mode, body, isRunning },
      method: operation?.method ?? 'POST',
      path: `${path}${query}`,
    };
  }

  function isRunning(signal: AbortSignal): Promise<unknown> {
    return link.until(({ state }) => state === 'running', signal);
  }

  async function withUploads(
    { address, input }: CallRequest,
    document: vscode.Uri | undefined,
    operation: Operation | undefined,
    signal: AbortSignal,
  ): Promise<CallRequest['input']> {
    const code = await targets.codeOf(address, document);
    const folder = code?.folder.uri.fsPath ?? vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '/';
    const files = new Map<string, string>();
    for (const { value, path, isExplicit } of filesIn(input, operation?.input)) {
      const file = resolve(folder, path);
      const isFile = await vscode.workspace.fs.stat(vscode.Uri.file(file)).then(
        ({ type }) => (type & vscode.FileType.File) !== 0,
        () => false,
      );
      if (!isFile && isExplicit) throw new Error(t('There is no file {0}.', file));
      if (isFile) files.set(value, file);
    }
    await askForOutside([...files.values()]);
    const urls = new Map<string, string>();
    for (const [value, file] of files)
      urls.set(value, await uploadFile(link.folder, { path: file, contentType: contentTypeOf(file) }, signal));
    return withUrls(input, urls);
  }

  /**
   * A request may be somebody else's file of the repository, and an app can't see this machine's files by itself.
   * @throws Cancelled
   */
  async function askForOutside(files: readonly string[]): Promise<void> {
    const folders = vscode.workspace.workspaceFolders?.map(({ uri }) => uri.fsPath) ?? [];
    const asked = outsideOf(folders, files).filter((file) => !permitted.has(file));
    const [first] = asked;
    if (first === undefined) return;
    const what =
      asked.length === 1
        ? t('Upload {0}, which is outside of this workspace?', first)
        : t('Upload {0} files that are outside of this workspace?', asked.length);
    const paths = asked.length === 1 ? [] : asked.slice(0, maxListed);
    const detail = [...paths, t('The app can read what you upload.')].join('\n');
    const upload = t('Upload');
    if ((await vscode.window.showWarningMessage(what, { modal: true, detail }, upload)) !== upload)
      throw new Cancelled();
    for (const file of asked) permitted.add(file);
  }

  async function send(argument: unknown, mode: CallOrder['mode']): Promise<Answer> {
    const document = await documentOf(argument);
    const answer = answers.get(document.uri.toString());
    if (answer) return again(answer, mode);
    const request = readRequest(document);
    const key = document.uri.toString();
    const method = operations.known(request.address)?.method ?? 'POST';
    const earlier = answerOf.get(key) ?? (await earlierAnswer(key));
    // Another call of the same request, such as to fill the queue, doesn't cancel the one that still runs.
    const isTaken = earlier !== undefined && answers.get(earlier.toString())?.isRunning === true;
    const uri = isTaken || !earlier ? answers.newUri(request, method) : earlier;
    answerOf.set(key, uri);
    return show(uri, { request, mode, document: key }, document.uri);
  }

  /** The document next to it before the window was reloaded. */
  async function earlierAnswer(key: string): Promise<vscode.Uri | undefined> {
    const found = (await history.list()).find(({ document, answer }) => document === key && isOpen(answer));
    return found && vscode.Uri.parse(found.answer);
  }

  const again = ({ uri, request, document }: Answer, mode: CallOrder['mode']) =>
    show(uri, { request, mode, document }, undefined);

  async function show(
    uri: vscode.Uri,
    what: Pick<Answer, 'request' | 'mode' | 'document'>,
    document: vscode.Uri | undefined,
  ): Promise<Answer> {
    const { request, mode } = what;
    const method = operations.known(request.address)?.method ?? 'POST';
    const done = answers.call(uri, { ...what, method }, (signal) => orderOf(request, document, mode, signal));
    await showAnswer(uri);
    const answer = await done;
    await setLanguage(answer);
    return answer;
  }

  async function showAnswer(uri: vscode.Uri): Promise<void> {
    const isShown = vscode.window.visibleTextEditors.some(({ document }) => document.uri.toString() === uri.toString());
    if (isShown) return;
    await vscode.window.showTextDocument(uri, {
      viewColumn: answerColumn(),
      preserveFocus: true,
      preview: false,
    });
  }

  /** For the editor, every answer is JSON at first, by its name. */
  async function setLanguage({ uri, body }: Answer): Promise<void> {
    const document = vscode.workspace.textDocuments.find((one) => one.uri.toString() === uri.toString());
    if (document && document.languageId !== body.language) {
      await vscode.languages.setTextDocumentLanguage(document, body.language);
    }
  }

  /** The document of a lens, or the active one. */
  async function documentOf(argument: unknown): Promise<vscode.TextDocument> {
    const { document } = (argument ?? {}) as Partial<CallArgument>;
    const uri =
      typeof document === 'string' ? vscode.Uri.parse(document) : vscode.window.activeTextEditor?.document.uri;
    if (!uri) throw new Problem(t('No request is open. "fal: Call App" opens one.'));
    return vscode.workspace.openTextDocument(uri);
  }

  async function answerFor(argument: unknown): Promise<Answer> {
    const { uri } = await documentOf(argument);
    const answer = answers.get((answerOf.get(uri.toString()) ?? uri).toString());
    if (!answer) throw new Problem(t('This request has not been sent yet.'));
    return answer;
  }

  /** Connects a call of an earlier window with its request, and follows a queued one that hadn't ended. */
  function resume(past: PastCall, { uri, request, document, method, mode }: Answer): void {
    const { requestId, at } = past;
    if (document !== null && !answerOf.has(document)) answerOf.set(document, uri);
    if (mode !== 'queue' || !isUnfinished(past) || requestId === null) return;
    const order = async (signal: AbortSignal): Promise<CallOrder> => {
      const { live } = await link.until((snapshot) => snapshot.live !== undefined, signal);
      const facts = await askRequest(link.folder, requestId);
      if (!live || !facts) throw new Error(t('The emulator no longer has this request.'));
      const target = { owner: live.head.owner, alias: facts.alias };
      const queued = { requestId, at };
      // It has been sent: only its id matters.
      return { folder: link.folder, target, method, path: '/', body: null, mode, queued, isRunning };
    };
    void answers.call(uri, { request, document, method, mode }, order).then(setLanguage);
  }

  return {
    send,
    resume,
    again,
    documentOf,
    answerFor,
    setLanguage,
    withUploads,
    /** The answer of a request document; `undefined`: it wasn't sent. */
    answerOf: (document: vscode.Uri): Answer | undefined =>
      answers.get(answerOf.get(document.toString())?.toString() ?? ''),
    /** The URI of the request document of an answer. */
    requestOf: (answer: vscode.Uri) => [...answerOf].find(([, of]) => of.toString() === answer.toString())?.[0],
    /** A request is in another document now. */
    moved(before: vscode.Uri, now: vscode.Uri): void {
      const answer = answerOf.get(before.toString());
      answerOf.delete(before.toString());
      if (answer) answerOf.set(now.toString(), answer);
    },
    /** Shows a call of the history with its request document. */
    async attach(document: vscode.Uri, answer: Answer): Promise<void> {
      answerOf.set(document.toString(), answer.uri);
      await showAnswer(answer.uri);
      await setLanguage(answer);
    },
  };
}

export type Sending = ReturnType<typeof createSending>;
