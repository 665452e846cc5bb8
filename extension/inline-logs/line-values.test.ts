import { describe, expect, it } from 'vitest';
import type { LineEdit } from '../problems/edits.ts';
import { createLineValues, isReplaced, type Value } from './line-values.ts';

const path = '/work/app.py';
let seq = 0;
const value = (text: string, more: Partial<Value> = {}): Value => {
  seq += 1;
  return { seq, at: 0, codeAt: 10, text, alias: 'a', revision: '1', runnerId: 'r', requestId: null, ...more };
};
const edit = (line: number, more: Partial<LineEdit> = {}): LineEdit => {
  return { file: path, line, endLine: line, added: 0, isAbove: false, isBelow: false, ...more };
};

function sample() {
  const all = createLineValues();
  return {
    ...all,
    print: (
      line: number,
      text = 'x',
      {
        codeAt = 10,
        isOver = () => false as boolean,
        part = 'own' as 'own' | 'replaces' | 'continues',
        requestId = null as string | null,
      } = {},
    ) => all.add({ path, line }, value(text, { codeAt, requestId }), isOver, part),
    shown: () =>
      Object.fromEntries(
        all
          .of(path)
          .map(({ line, values, count, isStale }) => [
            line,
            `${values.at(-1)?.text} ×${count}${isStale ? ' stale' : ''}`,
          ]),
      ),
  };
}

describe('the output of a line', () => {
  it('is its newest value, with a count, and the last ten', () => {
    const { print, shown, at } = sample();
    for (let i = 0; i < 12; i++) print(3, `${i}`);
    expect(shown()).toEqual({ 3: '11 ×12' });
    expect(at(path, 3)?.values.map(({ text }) => text)).toEqual(['2', '3', '4', '5', '6', '7', '8', '9', '10', '11']);
  });

  it('is counted once, with its latest text, if it consists of several parts', () => {
    const { print, shown, at } = sample();
    print(3, 'first');
    print(3, 'KeyError', { part: 'replaces' });
    expect([shown(), at(path, 3)?.values.length]).toEqual([{ 3: 'KeyError ×1' }, 1]);
    // What it belongs to was left out, or its line has moved.
    print(4, 'KeyError', { part: 'replaces' });
    expect(shown()).toEqual({ 3: 'KeyError ×1', 4: 'KeyError ×1' });
  });

  it('is counted once, with all of its text, if it has several lines', () => {
    const { print, shown, at } = sample();
    for (let i = 0; i < 2; i++) {
      print(3, 'first', { requestId: 'r' });
      print(3, 'second', { part: 'continues', requestId: 'r' });
    }
    expect([shown(), at(path, 3)?.values.length]).toEqual([{ 3: 'first\nsecond ×2' }, 2]);
    // Its beginning was left out.
    print(3, 'second', { part: 'continues', requestId: 's' });
    expect(shown()).toEqual({ 3: 'second ×3' });
    for (let i = 0; i < 1_000; i++) print(3, 'more', { part: 'continues', requestId: 's' });
    expect([at(path, 3)?.count, at(path, 3)?.values.at(-1)?.text.length]).toEqual([3, 2_000]);
  });

  it('may be more than was counted if output was left out, until it begins again', () => {
    const { print, at, missed, clear } = sample();
    print(3);
    missed();
    print(3);
    print(4);
    expect([3, 4].map((line) => [at(path, line)?.count, at(path, line)?.isAtLeast])).toEqual([
      [2, true],
      [1, false],
    ]);
    clear();
    print(3);
    expect(at(path, 3)?.isAtLeast).toBe(false);
  });

  it('is stale at and below an edit until there is more, and moves with its line', () => {
    const { print, shown, edited } = sample();
    for (const line of [2, 5, 9]) print(line);
    expect(edited(edit(4), 20)).toBe(true);
    expect(shown()).toEqual({ 2: 'x ×1', 5: 'x ×1 stale', 9: 'x ×1 stale' });
    edited(edit(0, { added: 2, isAbove: true }), 20);
    expect(shown()).toEqual({ 4: 'x ×1 stale', 7: 'x ×1 stale', 11: 'x ×1 stale' });
    print(2, 'y');
    expect(shown()).toMatchObject({ 4: 'y ×2' });
  });

  it('goes with a deleted line', () => {
    const { print, shown, edited } = sample();
    for (const line of [2, 3, 4]) print(line);
    edited(edit(1, { endLine: 3, isAbove: true }), 20);
    expect(shown()).toEqual({ 2: 'x ×1 stale' });
  });

  it('of older code is placed where that code is now', () => {
    const { print, shown, edited, saved } = sample();
    edited(edit(0, { added: 3, isAbove: true }), 20);
    print(2, 'not saved', { codeAt: 30 });
    expect(shown()).toEqual({ 5: 'not saved ×1' });
    saved(path, 40);
    print(2, 'old', { codeAt: 30 });
    print(5, 'new', { codeAt: 50 });
    expect(shown()).toEqual({ 5: 'new ×3' });
  });

  it('of an edited line of older code is not shown', () => {
    const { print, shown, edited } = sample();
    edited(edit(1), 20);
    print(2);
    expect(shown()).toEqual({});
  });

  it('has the place of its code when edits that were never saved are discarded', () => {
    const { print, shown, edited, saved, discarded } = sample();
    edited(edit(0, { added: 1, isAbove: true }), 20);
    saved(path, 20);
    print(2, 'before', { codeAt: 30 });
    edited(edit(0, { added: 3, isAbove: true }), 40);
    expect(discarded(path)).toBe(true);
    // What was moved by them is no longer known.
    expect(shown()).toEqual({});
    print(2, 'new', { codeAt: 50 });
    print(4, 'old', { codeAt: 10 });
    expect(shown()).toEqual({ 2: 'new ×1', 5: 'old ×1' });
    expect(discarded(path)).toBe(false);
    expect(shown()).toEqual({ 2: 'new ×1', 5: 'old ×1' });
  });

  it('goes when what printed it was replaced and the new code prints', () => {
    const { print, shown } = sample();
    print(2);
    print(3, 'y', { isOver: () => true });
    expect(shown()).toEqual({ 3: 'y ×1' });
  });
});

describe('limits', () => {
  it('goes with code that was replaced, and not when that finishes its last requests', () => {
    const all = createLineValues();
    const print = (line: number, made: Value) => all.add({ path, line }, made, (older) => isReplaced(older, made));
    const lines = () => all.of(path).map(({ line }) => line);
    print(1, value('old', { revision: '1', codeAt: 10 }));
    print(2, value('new', { revision: '2', codeAt: 20 }));
    expect(lines()).toEqual([2]);
    print(1, value('the last of old', { revision: '1', codeAt: 10 }));
    expect(lines()).toEqual([2, 1]);
    print(3, value('new', { revision: '2', codeAt: 20 }));
    expect(lines()).toEqual([2, 3]);
  });

  it('keeps the beginning of long output, without the memory of all', () => {
    const { print, at } = sample();
    print(1, 'x'.repeat(256 * 1024));
    expect(at(path, 1)?.values[0]?.text).toBe('x'.repeat(2_000));
  });

  it('counts characters that are typed one by one in a line as one edit', () => {
    const { print, shown, edited } = sample();
    for (let i = 0; i < 3_000; i++) edited(edit(50), 20);
    print(2, 'x', { codeAt: 10 });
    print(51, 'x', { codeAt: 10 });
    expect(shown()).toEqual({ 2: 'x ×1' });
  });

  it('keeps the 200 lines of a file that printed last', () => {
    const { print, of } = sample();
    for (let line = 1; line <= 300; line++) print(line);
    print(102);
    print(301);
    const kept = of(path).map(({ line }) => line);
    expect([kept.length, kept.includes(101), kept.includes(102), kept.includes(301)]).toEqual([200, false, true, true]);
  });

  it('keeps 100 files', () => {
    const { add, of } = sample();
    for (let i = 0; i < 150; i++) add({ path: `/${i}.py`, line: 1 }, value('x', { codeAt: 0 }), () => false);
    expect([of('/49.py').length, of('/50.py').length]).toEqual([0, 1]);
  });

  it('forgets edits after a thousand, and with them where older code is', () => {
    const { print, shown, edited } = sample();
    for (let i = 0; i <= 1_000; i++) edited(edit(50 + i), 20);
    print(2, 'x', { codeAt: 10 });
    expect(shown()).toEqual({});
    print(2, 'x', { codeAt: 20 });
    expect(shown()).toEqual({ 2: 'x ×1' });
  });
});
