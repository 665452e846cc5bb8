import { t } from '../words.ts';
import { exampleOf } from './example.ts';
import { isObject, type Json, type JsonObject } from './json.ts';
import { namesIn, wholeBody } from './place-input.ts';
import { resolveRef, together } from './schema.ts';

/** An operation of an app that can be called with a JSON document. */
export interface Operation {
  readonly method: string;
  /** With its leading slash. */
  readonly path: string;
  /** One line; empty: nothing is known. */
  readonly summary: string;
  /**
   * A self-contained JSON schema of an object with the body, the query and the parts of the path; `undefined`: it takes
   * none of these, or a form.
   */
  readonly input: JsonObject | undefined;
  /** The properties of the input that belong into the query: FastAPI takes `prompt: str` of a method from there. */
  readonly query: readonly string[];
  /** The parts of the path that the body has as well. */
  readonly both: readonly string[];
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
    const body = inputOf(operation, components);
    const isNew = ({ name }: Parameter) => !Object.hasOwn(propertiesIn(body), name);
    const inPath = parametersOf(operation, 'path');
    const query = parametersOf(operation, 'query').filter(isNew);
    const parameters = [...inPath.filter(isNew), ...query];
    return [
      {
        method: method.toUpperCase(),
        path,
        summary: String(words ?? '').split('\n', 1)[0] ?? '',
        input: parameters.length === 0 ? body : withParameters(body ?? standsAlone({}, components), parameters),
        query: query.map(({ name }) => name),
        both: namesIn(path).filter((name) => Object.hasOwn(propertiesIn(body), name)),
      },
    ];
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
  const type = together(schema, components).find((one) => one.type !== undefined)?.type;
  const isObjectType = type === undefined || type === 'object' || (Array.isArray(type) && type.includes('object'));
  if (isObjectType) return standsAlone(schema, components);
  // A document is an object, because it has an address.
  return standsAlone({ type: 'object', properties: { [wholeBody]: schema }, required: [wholeBody] }, components);
}

function standsAlone(schema: JsonObject, components: JsonObject): JsonObject {
  return {
    ...schema,
    properties: {
      $schema: { type: 'string', description: t('The app and endpoint to call.') },
      ...propertiesIn(schema),
    },
    components,
  };
}

function propertiesIn(schema: JsonObject | undefined): JsonObject {
  return isObject(schema?.properties) ? schema.properties : {};
}

interface Parameter {
  readonly name: string;
  readonly schema: JsonObject;
  readonly isRequired: boolean;
}

function parametersOf({ parameters }: JsonObject, place: 'path' | 'query'): readonly Parameter[] {
  return (Array.isArray(parameters) ? parameters : []).filter(isObject).flatMap((one) => {
    const { name, schema, required } = one;
    if (one.in !== place || typeof name !== 'string' || !isObject(schema)) return [];
    return [{ name, schema, isRequired: required === true }];
  });
}

function withParameters(input: JsonObject, parameters: readonly Parameter[]): JsonObject {
  const required = Array.isArray(input.required) ? input.required : [];
  return {
    ...input,
    type: 'object',
    properties: { ...propertiesIn(input), ...Object.fromEntries(parameters.map(({ name, schema }) => [name, schema])) },
    required: [...required, ...parameters.filter(({ isRequired }) => isRequired).map(({ name }) => name)],
  };
}

/** The text of a new request document: examples, defaults and required fields, below the address. Pure. */
export function documentText(address: string, input: JsonObject | undefined): string {
  const example = input === undefined ? {} : exampleOf(input);
  return `${JSON.stringify({ $schema: address, ...(isObject(example) ? example : {}) }, null, 2)}\n`;
}
