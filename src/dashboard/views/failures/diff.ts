/** What differs between two texts, by words and signs. Pure, and bounded: what differs too much is shown whole. */

export interface DiffPart {
  readonly kind: 'same' | 'removed' | 'added';
  readonly text: string;
}

/** Words, numbers, spaces and single signs. */
const TOKENS = /[\p{L}\p{N}_]+|\s+|[^\s\p{L}\p{N}_]/gu;
const MAX_TOKENS = 20_000;
const MAX_EDITS = 600;

export function diff(before: string, after: string): DiffPart[] {
  if (before === after) return partsOf([['same', before]]);
  const a = before.match(TOKENS) ?? [];
  const b = after.match(TOKENS) ?? [];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const middleA = a.slice(start, a.length - end);
  const middleB = b.slice(start, b.length - end);
  return partsOf([
    ['same', a.slice(0, start).join('')],
    ...(edits(middleA, middleB) ?? whole(middleA, middleB)),
    ['same', a.slice(a.length - end).join('')],
  ]);
}

type Piece = readonly [DiffPart['kind'], string];

function whole(a: readonly string[], b: readonly string[]): Piece[] {
  return [
    ['removed', a.join('')],
    ['added', b.join('')],
  ];
}

/** Myers' greedy algorithm ("An O(ND) Difference Algorithm"). Null: more than `MAX_EDITS`. */
function edits(a: readonly string[], b: readonly string[]): Piece[] | null {
  if (a.length + b.length > MAX_TOKENS) return null;
  const furthest = new Map<number, number>([[1, 0]]);
  const trace: ReadonlyMap<number, number>[] = [];
  for (let d = 0; d <= Math.min(MAX_EDITS, a.length + b.length); d++) {
    trace.push(new Map(furthest));
    for (let k = -d; k <= d; k += 2) {
      let x = goesDown(furthest, k, d) ? furthest.get(k + 1)! : furthest.get(k - 1)! + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      furthest.set(k, x);
      if (x >= a.length && x - k >= b.length) return pathBack(trace, a, b);
    }
  }
  return null;
}

function goesDown(furthest: ReadonlyMap<number, number>, k: number, d: number): boolean {
  return k === -d || (k !== d && furthest.get(k - 1)! < furthest.get(k + 1)!);
}

function pathBack(trace: readonly ReadonlyMap<number, number>[], a: readonly string[], b: readonly string[]): Piece[] {
  const pieces: Piece[] = [];
  let x = a.length;
  let y = b.length;
  for (let d = trace.length - 1; d >= 0; d--) {
    const furthest = trace[d]!;
    const k = x - y;
    const down = goesDown(furthest, k, d);
    const fromX = d === 0 ? 0 : furthest.get(down ? k + 1 : k - 1)!;
    const fromY = d === 0 ? 0 : fromX - (down ? k + 1 : k - 1);
    while (x > fromX && y > fromY) {
      pieces.push(['same', a[--x]!]);
      y--;
    }
    if (d === 0) break;
    if (down) pieces.push(['added', b[--y]!]);
    else pieces.push(['removed', a[--x]!]);
  }
  return pieces.reverse();
}

function partsOf(pieces: readonly Piece[]): DiffPart[] {
  const parts: { kind: DiffPart['kind']; text: string }[] = [];
  for (const [kind, text] of pieces) {
    if (text === '') continue;
    const last = parts.at(-1);
    if (last?.kind === kind) last.text += text;
    else parts.push({ kind, text });
  }
  return parts;
}

const CONTEXT = 60;

/** Long stretches that are the same, cut to what stands beside a change. */
export function withContext(parts: readonly DiffPart[]): DiffPart[] {
  return parts.map((part, index) => {
    if (part.kind !== 'same' || part.text.length <= 2 * CONTEXT + 20) return part;
    const head = index === 0 ? '' : part.text.slice(0, CONTEXT);
    const tail = index === parts.length - 1 ? '' : part.text.slice(-CONTEXT);
    return { kind: 'same', text: `${head} … ${tail}` };
  });
}
