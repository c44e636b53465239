/** The rules that `tidy.test.ts` holds the tree to: pure functions from files to violations, one line each. */
import { dirname, join, normalize } from 'node:path/posix';

export interface TextFile {
  /** Relative to the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

type Files = readonly TextFile[];

/** Which rooms of `src/` a room may import, itself aside. What is not here is not allowed. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  kit: [],
  domains: ['kit'],
  broker: ['kit'],
  config: ['kit'],
  cluster: ['kit'],
  dashboard: [],
  pipelines: ['kit', 'domains', 'broker', 'config'],
  api: ['kit', 'domains', 'pipelines'],
  drills: ['kit', 'domains', 'config', 'cluster', 'pipelines'],
  cli: ['kit', 'domains', 'broker', 'config', 'cluster', 'pipelines', 'api', 'drills'],
};

/** Of what the API answers the dashboard knows the types, and nothing that would have to be there when it runs. */
const MAY_IMPORT_TYPES: Readonly<Record<string, readonly string[]>> = { dashboard: ['api'] };

export function wrongDirection(files: Files): string[] {
  return importsOf(files).flatMap(({ from, to, typeOnly }) => {
    const [room, domain] = roomOf(from);
    const [target, targetDomain] = roomOf(to);
    if (room === undefined) return [];
    if (target === undefined) return [`${from} imports ${to}, outside src/`];
    if (room === target) return domain === targetDomain ? [] : [`${from} imports ${to}: domains stand alone`];
    if (MAY_IMPORT[room] === undefined) return [`${from}: src/${room} is no known room`];
    if (typeOnly && MAY_IMPORT_TYPES[room]?.includes(target)) return [];
    return MAY_IMPORT[room].includes(target) ? [] : [`${from} imports ${to}: ${room} may not import ${target}`];
  });
}

/** [room, domain] of a file in src/; the domain only below src/domains. */
function roomOf(path: string): readonly (string | undefined)[] {
  const [top, room, domain] = path.split('/');
  if (top !== 'src' || room === undefined) return [];
  return room === 'domains' ? [room, domain] : [room];
}

/** Imports of types count: a cycle of types is one room pretending to be two. */
export function cycles(files: Files): string[] {
  const edges = Map.groupBy(importsOf(files), ({ from }) => from);
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) found.push([...trail.slice(start), path].join(' -> '));
    if (start >= 0 || done.has(path)) return;
    for (const { to } of edges.get(path) ?? []) visit(to, [...trail, path]);
    done.add(path);
  };
  for (const { path } of files) visit(path, []);
  return found;
}

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

function importsOf(files: Files): Import[] {
  const pattern =
    /(\b(?:import|export) type [^;]*?)?(?:\bfrom|\bimport)\s*\(?\s*['"](\.[^'"]+)['"]|new URL\(['"](\.[^'"]+)['"], import\.meta\.url\)/g;
  return files.flatMap(({ path, text }) =>
    Array.from(text.matchAll(pattern), (match) => ({
      from: path,
      to: normalize(join(dirname(path), match[2] ?? match[3]!)),
      typeOnly: match[1] !== undefined,
    })).filter(({ to }) => /\.tsx?$/.test(to)),
  );
}

export function barrels(files: Files): string[] {
  return paths(files).filter((path) => /(^|\/)index\.[cm]?tsx?$/.test(path));
}

export const MAX_LINES = 500;

/** A file that has to be longer says so in a comment: `Long because …`. */
export function tooLong(files: Files): string[] {
  return files
    .map(({ path, text }) => ({
      path,
      lines: text.split('\n').length - 1,
      excused: /^\s*(\/\/|\*) Long because \S+/m.test(text),
    }))
    .filter(({ lines, excused }) => lines > MAX_LINES && !excused)
    .map(({ path, lines }) => `${path} has ${lines} lines`);
}

export function environmentReaders(files: Files): string[] {
  return paths(
    files.filter(({ path, text }) => !path.startsWith('src/config/') && /\bprocess\s*\.\s*env\b/.test(text)),
  );
}

const CODE = '[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*';

/**
 * Codes of errors and dead letters, where they are made: the first argument of an error's constructor (both branches, where it is
 * a choice), the second of `dead(…)`, and `code: '…'` of a refusal.
 */
export function codesIn(files: Files): string[] {
  const patterns = [
    new RegExp(`(?:new \\w*Error|\\bsuper)\\(\\s*'(${CODE})'`, 'g'),
    new RegExp(`new \\w*Error\\(\\s*[^'\`,]*\\? '(${CODE})' : '(${CODE})'`, 'g'),
    new RegExp(`\\bcode: '(${CODE})'`, 'g'),
    new RegExp(`\\bdead\\([^;]*?, '(${CODE})'\\)`, 'g'),
  ];
  const codes = files.flatMap(({ text }) =>
    patterns.flatMap((pattern) => [...text.matchAll(pattern)].flatMap((match) => match.slice(1))),
  );
  return [...new Set(codes.filter((code) => code !== undefined))].sort();
}

/** Codes that appear in src only as a quoted word (handed through a helper) count as present, so that they can be documented. */
export function errorCodes(sources: Files, documented: readonly string[]): string[] {
  const all = sources.map(({ text }) => text).join('\n');
  return [
    ...codesIn(sources)
      .filter((code) => !documented.includes(code))
      .map((code) => `${code} is thrown and not in docs/errors.md`),
    ...documented
      .filter((code) => !new RegExp(`['"]${code}['"]`).test(all))
      .map((code) => `${code} is in docs/errors.md and nowhere in src`),
  ];
}

/** The first cell of every table row, where it is one word in backquotes. */
export function tableKeys(markdown: string): string[] {
  return Array.from(markdown.matchAll(/^\| *`([^`]+)` *\|/gm), (match) => match[1]!);
}

export function differences(
  left: readonly string[],
  right: readonly string[],
  leftName: string,
  rightName: string,
): string[] {
  return [
    ...left.filter((name) => !right.includes(name)).map((name) => `${name} is in ${leftName} and not in ${rightName}`),
    ...right.filter((name) => !left.includes(name)).map((name) => `${name} is in ${rightName} and not in ${leftName}`),
  ];
}

/** Paths of somebody's machine and hosts of a registry: both would tie the repository to where it was made. */
const PRIVATE = [
  /(?<![\w.-])\/(?:work|root|home\/\w+|Users\/\w+)\//,
  /registry\.(?:npmjs|yarnpkg)|repo1?\.maven\.|npm\.pkg\./,
];

export function machineTraces(files: Files): string[] {
  return files.flatMap(({ path, text }) => [
    ...text
      .split('\n')
      .flatMap((line, index) => (PRIVATE.some((pattern) => pattern.test(line)) ? [`${path}:${index + 1}`] : [])),
    ...(path.endsWith('package-lock.json') && /"resolved":/.test(text) ? [`${path} has "resolved" addresses`] : []),
  ]);
}

export function badFileNames(files: Files): string[] {
  return paths(files).filter((path) => {
    const name = path.split('/').at(-1)!;
    return (
      /\.([cm]?[jt]sx?|css|html|svg|json|yml)$/.test(name) && !/^\.?[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)+$/.test(name)
    );
  });
}

/** Relative links and `src/…`-like paths in backquotes lead to something. `exists` takes a path from the root. */
export function deadReferences(documents: Files, exists: (path: string) => boolean): string[] {
  return documents.flatMap(({ path, text }) => {
    const links = Array.from(
      text.matchAll(/\]\(([^)#\s]+)[^)]*\)|(?:src|srcset)="([^"]+)"/g),
      (match) => match[1] ?? match[2]!,
    )
      .filter((target) => !/^[a-z]+:/.test(target))
      .map((target) => normalize(join(dirname(path), target)));
    const named = Array.from(
      text.matchAll(/`((?:src|test|bin|scripts|docs|docker|benchmarks|examples|drills|assets)\/[\w./-]+)`/g),
      (match) => match[1]!,
    );
    return [...links, ...named].filter((target) => !exists(target)).map((target) => `${path} names ${target}`);
  });
}

function paths(files: Files): string[] {
  return files.map(({ path }) => path);
}
