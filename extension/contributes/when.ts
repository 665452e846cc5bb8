import { type ContextName, type Contexts, contextKey, type RowContext } from './contexts.ts';

import { type PanelViewName, type ViewName, viewId } from './views.ts';

declare const kind: unique symbol;
/** A `when` clause. Only the functions of this file make one, so that it can't name an unknown key. */
export type When = string & { readonly [kind]: 'when' };

type BooleanName = { [N in ContextName]: Contexts[N] extends boolean ? N : never }[ContextName];

const when = (text: string) => text as When;

export const never = when('false');
export const isTrusted = when('isWorkspaceTrusted');
export const hasFolder = when('workspaceFolderCount != 0');
export const hasNoFolder = when('workspaceFolderCount == 0');

/** The editor shows a request document, or the answer to one. */
export const isCall = when('resourceFilename =~ /\\.fal\\.json$/');
/** The editor shows what came of a call. */
export const isAnswer = when('resourceScheme == fal-call');

export const key = (name: BooleanName) => when(contextKey(name));

export const is = <N extends ContextName>(name: N, value: Contexts[N]) => when(`${contextKey(name)} == ${value}`);

export const isNot = <N extends ContextName>(name: N, value: Contexts[N]) => when(`${contextKey(name)} != ${value}`);

export const inView = (name: ViewName | PanelViewName) => when(`view == ${viewId(name)}`);

/** The view's list has the focus, and no text field in it. */
export const inList = (name: ViewName) => when(`focusedView == ${viewId(name)} && listFocus && !inputFocus`);

export const onRow = (row: RowContext) => when(`viewItem == ${row}`);

/** Projects of other kinds don't see the debugger. */
export const mayDebug = when(`${contextKey('hasApps')} || ${contextKey('hasDebugConfiguration')}`);

/** The negation of a single key. */
export const not = (one: When) => when(`!${one}`);

export const all = (...clauses: readonly When[]) => when(clauses.join(' && '));
