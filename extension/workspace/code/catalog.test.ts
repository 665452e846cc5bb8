import { describe, expect, it } from 'vitest';
import { readPythonFile } from '../../target/python-reader.ts';
import { createCatalog } from './catalog.ts';

function over(files: { [path: string]: string | undefined }) {
  const parsed: string[] = [];
  const catalog = createCatalog({
    read: async (path) => files[path],
    pause: async () => {},
    async parse(_, text) {
      parsed.push(Object.keys(files).find((path) => files[path] === text) ?? '');
      return readPythonFile(text);
    },
  });
  const listed = () =>
    [...catalog.apps()].flatMap(([path, apps]) =>
      apps.map(({ name, isBase }) => `${path}::${name}${isBase ? ' base' : ''}`),
    );
  return { catalog, parsed, listed };
}

const base = 'import fal\nclass Base(fal.App): ...';

describe('the catalog of a workspace', () => {
  it('parses files that import fal, and those that derive from their apps, in any order', async () => {
    const files = {
      '/w/c.py': 'from b import Middle\nclass C(Middle): ...',
      '/w/b.py': 'import a\nclass Middle(a.Base): ...',
      '/w/a.py': base,
      '/w/other.py': 'class Other(Model): ...',
      '/w/big.py': 'x = 1\n'.repeat(1_000),
    };
    const { catalog, parsed, listed } = over(files);
    await catalog.update(Object.keys(files));
    expect(listed().toSorted()).toEqual(['/w/a.py::Base base', '/w/b.py::Middle base', '/w/c.py::C']);
    expect(parsed.toSorted()).toEqual(['/w/a.py', '/w/b.py', '/w/c.py']);
  });

  it('follows a base class through a module that only hands it on', async () => {
    const files = { '/w/a.py': base, '/w/b.py': 'from a import Base', '/w/c.py': 'import b\nclass C(b.Base): ...' };
    const { catalog, listed } = over(files);
    await catalog.update(Object.keys(files));
    expect(listed().toSorted()).toEqual(['/w/a.py::Base base', '/w/c.py::C']);
  });

  it('follows changes of one file', async () => {
    const files: { [path: string]: string | undefined } = {
      '/w/a.py': base,
      '/w/b.py': 'from a import Base\nclass B(Base): ...',
    };
    const { catalog, parsed, listed } = over(files);
    await catalog.update(Object.keys(files));
    expect(parsed.splice(0)).toHaveLength(2);
    files['/w/b.py'] = 'from a import Base\nclass B(Base): ...\nclass B2(Base): ...';
    await catalog.update(['/w/b.py']);
    expect(listed()).toEqual(['/w/a.py::Base base', '/w/b.py::B', '/w/b.py::B2']);
    // Only to find that its class may derive from an app.
    expect(parsed).toEqual(['/w/b.py']);
    files['/w/b.py'] = undefined;
    await catalog.update(['/w/b.py']);
    expect(listed()).toEqual(['/w/a.py::Base']);
    catalog.forget(['/w/a.py']);
    expect(listed()).toEqual([]);
  });

  it('names files that the grammar cannot read', async () => {
    const files = { '/w/a.py': base, '/w/b.py': 'import fal\nx = (', '/w/c.py': 'x = (' };
    const { catalog } = over(files);
    await catalog.update(Object.keys(files));
    expect(catalog.doubtful()).toEqual(['/w/b.py']);
  });

  it('says what a text that is not saved makes of a file', async () => {
    const { catalog } = over({ '/w/a.py': base });
    await catalog.update(['/w/a.py']);
    const text = 'from a import Base\nclass New(Base): ...';
    expect(catalog.appsWith('/w/b.py', readPythonFile(text))).toMatchObject([{ name: 'New' }]);
    expect([...catalog.apps().keys()]).toEqual(['/w/a.py']);
  });
});
