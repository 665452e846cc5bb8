import { exampleOf } from './example.ts';
import { isObject, type Json, type JsonObject } from './json.ts';
import { resolveRef } from './schema.ts';

/** An operation of an app that can be called with a JSON document. */
export interface Operation {
  readonly method: string;
  /** With its leading slash. */
  readonly path: string;
  /** One line; empty: nothing is known. */
  readonly summary: string;
  /** A JSON schema that stands alone; `undefined`: it takes no JSON object (no body, or a form). */
  readonly input: JsonObject | undefined;
}

const methods = ['post', 'put', 'patch', 'get', 'delete'] as const;

/** Paths that the SDK adds to each app, for `GET`; an app may have an endpoint of its own there. */
const ownPaths = new Set(['/health', '/metrics', '/docs', '/openapi.json']);

/** The operations in an OpenAPI document, which an app made and may be anything. Pure. */
export function operationsOf(openapi: Json | undefined): readonly Operation[] {
  if (!isObject(openapi) || !isObject(openapi.paths)) return [];
  const components = isObject(openapi.components) ? openapi.components : {};
  return Object.entries(openapi.paths).flatMap(([path, item]) => {
    if (!isObject(item)) return [];
    const method = methods.find((name) => isObject(item[name]));
    const operation = method && item[method];
    if (method === undefined || !isObject(operation)) return [];
    if ((method === 'get' && ownPaths.has(path)) || isMirror(item, operation)) return [];
    const { summary, description } = operation;
    const words = [summary, description].find((text) => typeof text === 'string');
    const input = inputOf(operation, components);
    return [{ method: method.toUpperCase(), path, summary: String(words ?? '').split('\n', 1)[0] ?? '', input }];
  });
}

/**
 * fal/api/api.py, `_build_protocol_mirror_post`: the SDK describes a WebSocket endpoint as a `POST` as well, which the
 * app doesn't have.
 */
function isMirror({ 'x-fal-protocol': protocol }: JsonObject, { operationId }: JsonObject): boolean {
  return isObject(protocol) && operationId === `${String(protocol.operationId)}_post`;
}

/** The schema of the body, with `$schema` as a further property, and everything that it refers to. */
function inputOf(operation: JsonObject, components: JsonObject): JsonObject | undefined {
  const body = operation.requestBody;
  const content = isObject(body) ? body.content : undefined;
  const media = isObject(content) ? content['application/json'] : undefined;
  if (!isObject(media) || !isObject(media.schema)) return undefined;
  const schema = resolveRef(media.schema, components);
  const properties = isObject(schema.properties) ? schema.properties : {};
  return {
    ...schema,
    properties: {
      $schema: { type: 'string', description: 'The app and endpoint to call.' },
      ...properties,
    },
    components,
  };
}

/** The text of a new request document: examples, defaults and required fields, below the address. Pure. */
export function documentText(address: string, input: JsonObject | undefined): string {
  const example = input === undefined ? {} : exampleOf(input);
  return `${JSON.stringify({ $schema: address, ...(isObject(example) ? example : {}) }, null, 2)}\n`;
}
