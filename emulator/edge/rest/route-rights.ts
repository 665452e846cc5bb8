import type { Request, RequestHandler, Response, Router } from 'express';
import { type Audience, mayUse, notAllowed, restRights } from '../auth/rights.ts';
import type { Authenticate, Identity } from '../auth/types.ts';
import { HttpError } from './http-error.ts';

const methods = ['get', 'put', 'post', 'patch', 'delete'] as const;
type Stack = Router['stack'];
type Route = NonNullable<Stack[number]['route']>;

/** All routes of a router and of its nested routers, under their names in rights.ts. */
export function routesOf(stack: Stack): readonly { readonly names: readonly string[]; readonly route: Route }[] {
  return stack.flatMap(({ route, handle }) => {
    if (route) return [{ names: namesOf(route), route }];
    return 'stack' in handle && Array.isArray(handle.stack) ? routesOf(handle.stack) : [];
  });
}

/**
 * Puts the check of rights.ts in front of each route. Throws for a route that isn't in the table, so that a new route
 * can't be forgotten there.
 */
export function guardRoutes(router: Router, authenticate: Authenticate): void {
  for (const { names, route } of routesOf(router.stack)) {
    for (const name of names) {
      const who = restRights[name];
      if (who === undefined) throw new Error(`The route ${name} is missing in emulator/edge/auth/rights.ts.`);
      if (who !== 'anyone') putFirst(route, asking(who, authenticate));
    }
  }
}

/** The sender of a valid key; all others are refused. */
export function signedIn(authenticate: Authenticate, { headers }: Request, response: Response): Identity {
  const identity = authenticate(headers);
  if (identity) return identity;
  response.setHeader('www-authenticate', 'Key');
  throw new HttpError(401, 'No valid key was sent. Set FAL_KEY to a key of this server: `minifal env` prints it.');
}

function asking(who: Audience, authenticate: Authenticate): RequestHandler {
  return (request, response, next) => {
    const identity = signedIn(authenticate, request, response);
    if (!mayUse(identity, who)) throw new HttpError(403, notAllowed(identity));
    next();
  };
}

function putFirst(route: Route, handler: RequestHandler): void {
  const before = [...route.stack];
  for (const method of methods) if (hasMethod(route, method)) route[method](handler);
  const added = route.stack.slice(before.length);
  route.stack.splice(0, route.stack.length, ...added, ...before);
}

function namesOf(route: Route): readonly string[] {
  const paths: readonly (string | RegExp)[] = [route.path].flat();
  return methods
    .filter((method) => hasMethod(route, method))
    .flatMap((method) => paths.map((path) => `${method.toUpperCase()} ${readable(path)}`));
}

function hasMethod(route: Route, method: (typeof methods)[number]): boolean {
  return route.stack.some((layer) => layer.method === method);
}

function readable(path: string | RegExp): string {
  return typeof path === 'string' ? path : path.source.replaceAll('\\/', '/');
}
