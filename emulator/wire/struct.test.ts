import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadServices } from './services.ts';
import { type Json, jsonToStruct, msFromTimestamp, structToJson, timestampFromMs } from './struct.ts';

const services = loadServices();

/** Sends a message through the real encoder and decoder of an RPC's request. */
function roundTrip(method: string, message: object): Record<string, unknown> {
  const definition = services.controller[method];
  if (definition === undefined) throw new Error(`no method ${method}`);
  return definition.requestDeserialize(definition.requestSerialize(message)) as Record<string, unknown>;
}

const json: fc.Arbitrary<Json> = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string(),
    fc.array(tie('json'), { maxLength: 3 }),
    fc.dictionary(fc.string(), tie('json'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).json;

describe('Struct', () => {
  it('is unchanged after a round trip through the real wire encoding', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), json, { maxKeys: 4, noNullPrototype: true }), (metadata) => {
        const sent = roundTrip('RegisterApplication', { metadata: jsonToStruct(metadata) });
        expect(structToJson(sent.metadata as object)).toEqual(metadata);
      }),
      { numRuns: 200, seed: 7 },
    );
  });

  it('keeps null, empty lists and empty objects apart', () => {
    const value = { a: null, b: [], c: {}, d: [[], [null]], e: '', f: 0, g: false };
    expect(
      structToJson(roundTrip('RegisterApplication', { metadata: jsonToStruct(value) }).metadata as object),
    ).toEqual(value);
  });

  it('an absent Struct is absent and an empty one is empty', () => {
    expect(roundTrip('RegisterApplication', {}).metadata).toBeUndefined();
    expect(structToJson(roundTrip('RegisterApplication', { metadata: {} }).metadata as object)).toEqual({});
  });

  it('a value with nothing set reads as null', () => {
    expect(structToJson({ fields: { a: {} } })).toEqual({ a: null });
  });

  it('a key named __proto__ is data', () => {
    const decoded = structToJson(jsonToStruct(JSON.parse('{"__proto__": {"polluted": true}}')));
    expect(Object.keys(decoded)).toEqual(['__proto__']);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe('Timestamp', () => {
  it('keeps milliseconds, also before 1970', () => {
    for (const at of [0, 1, 999, 1000, 1_700_000_000_123, -1, -1500]) {
      const { start_time } = roundTrip('ListRunners', { start_time: timestampFromMs(at) });
      expect(msFromTimestamp(start_time as object)).toBe(at);
    }
  });

  it('has nanos between 0 and 1e9 for fractions of a millisecond', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e13, max: 1e13, noNaN: true }), (at) => {
        const { seconds, nanos } = timestampFromMs(at);
        expect(Number.isInteger(seconds)).toBe(true);
        expect(nanos).toBeGreaterThanOrEqual(0);
        expect(nanos).toBeLessThan(1e9);
      }),
      { seed: 7 },
    );
  });
});

describe('presence', () => {
  it('a field that was sent as 0 is not the same as one that was not sent', () => {
    const sent = roundTrip('UpdateApplication', { application_name: 'a', keep_alive: 0 });
    expect(sent.keep_alive).toBe(0);
    expect(sent.request_timeout).toBeUndefined();
    expect(sent.machine_types).toEqual([]);
  });

  it('an enum value is its name; an unset optional enum is absent', () => {
    expect(roundTrip('SetAlias', { auth_mode: 'PRIVATE' }).auth_mode).toBe('PRIVATE');
    expect(roundTrip('SetAlias', {}).auth_mode).toBeUndefined();
    expect(
      roundTrip('Run', { setup_func: { method: 'cloudpickle', definition: Buffer.from([0, 1]) } }).setup_func,
    ).toEqual({
      method: 'cloudpickle',
      definition: Buffer.from([0, 1]),
    });
  });
});
