/** What a `google.protobuf.Struct` can hold. Its numbers are doubles. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export type JsonObject = { readonly [key: string]: Json };

/** A `google.protobuf.Value` as services.ts decodes it: exactly one of these is set; if none is, the value is null. */
export interface ProtoValue {
  readonly nullValue?: unknown;
  readonly numberValue?: number | undefined;
  readonly stringValue?: string | undefined;
  readonly boolValue?: boolean | undefined;
  readonly structValue?: ProtoStruct | undefined;
  readonly listValue?: { readonly values?: readonly ProtoValue[] | undefined } | undefined;
}

export interface ProtoStruct {
  readonly fields?: { readonly [key: string]: ProtoValue } | undefined;
}

/** `google.protobuf.Timestamp` as decoded with `longs: Number`; absent parts are zero. */
export interface ProtoTimestamp {
  readonly seconds?: number | undefined;
  readonly nanos?: number | undefined;
}

/** Decodes a Struct. Keys keep their order; `__proto__` is a key like any other. */
export function structToJson(struct: ProtoStruct): JsonObject {
  return Object.fromEntries(Object.entries(struct.fields ?? {}).map(([key, value]) => [key, valueToJson(value)]));
}

function valueToJson(value: ProtoValue): Json {
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.numberValue !== undefined) return value.numberValue;
  if (value.boolValue !== undefined) return value.boolValue;
  if (value.structValue !== undefined) return structToJson(value.structValue);
  if (value.listValue !== undefined) return (value.listValue.values ?? []).map(valueToJson);
  return null;
}

/** Encodes a plain object as a Struct. */
export function jsonToStruct(object: JsonObject): ProtoStruct {
  return { fields: Object.fromEntries(Object.entries(object).map(([key, value]) => [key, jsonToValue(value)])) };
}

function jsonToValue(json: Json): ProtoValue {
  if (json === null) return { nullValue: 'NULL_VALUE' };
  if (typeof json === 'string') return { stringValue: json };
  if (typeof json === 'number') return { numberValue: json };
  if (typeof json === 'boolean') return { boolValue: json };
  if (isList(json)) return { listValue: { values: json.map(jsonToValue) } };
  return { structValue: jsonToStruct(json) };
}

function isList(json: readonly Json[] | JsonObject): json is readonly Json[] {
  return Array.isArray(json);
}

/** Milliseconds since the epoch to a Timestamp; instants before 1970 keep `nanos` positive, as the type demands. */
export function timestampFromMs(atMs: number): { readonly seconds: number; readonly nanos: number } {
  const wholeMs = Math.floor(atMs);
  const seconds = Math.floor(wholeMs / 1000);
  return { seconds, nanos: (wholeMs - seconds * 1000) * 1e6 };
}

/** A Timestamp in milliseconds since the epoch; smaller units are cut off. */
export function msFromTimestamp(timestamp: ProtoTimestamp): number {
  return (timestamp.seconds ?? 0) * 1000 + Math.floor((timestamp.nanos ?? 0) / 1e6);
}
