/** What the planner is asked, in the page's address. Pure. */

export interface PlanQuery {
  readonly targetRps: string;
  readonly consumerRps: string;
  readonly safety: string;
  /** A topic's name, or '' for made-up traffic. */
  readonly source: string;
  readonly keys: string;
  readonly records: string;
  readonly skew: string;
}

export const PLAN_DEFAULTS: PlanQuery = {
  targetRps: '1000000',
  consumerRps: '50000',
  safety: '1.5',
  source: '',
  keys: '10000',
  records: '100000',
  skew: '1',
};

const NAMES: Readonly<Record<keyof PlanQuery, string>> = {
  targetRps: 'target_rps',
  consumerRps: 'consumer_rps',
  safety: 'safety',
  source: 'source',
  keys: 'keys',
  records: 'records',
  skew: 'skew',
};

/** @param value of the address's query */
export function readPlanQuery(value: (name: string) => string): PlanQuery {
  const read = (field: keyof PlanQuery) => value(NAMES[field]) || PLAN_DEFAULTS[field];
  return {
    targetRps: read('targetRps'),
    consumerRps: read('consumerRps'),
    safety: read('safety'),
    source: read('source'),
    keys: read('keys'),
    records: read('records'),
    skew: read('skew'),
  };
}

/** For the address: defaults are left out. */
export function planAddress(plan: PlanQuery): Record<string, string> {
  return Object.fromEntries(
    (Object.keys(NAMES) as (keyof PlanQuery)[]).map((field) => [
      NAMES[field],
      plan[field] === PLAN_DEFAULTS[field] ? '' : plan[field],
    ]),
  );
}

interface Bound {
  readonly min: number;
  readonly max: number;
  readonly whole: boolean;
}

const BOUNDS: Readonly<Partial<Record<keyof PlanQuery, Bound>>> = {
  targetRps: { min: 0, max: 1e12, whole: false },
  consumerRps: { min: 0.001, max: 1e12, whole: false },
  safety: { min: 0.001, max: 1_000, whole: false },
  keys: { min: 1, max: 50_000, whole: true },
  records: { min: 1, max: 200_000, whole: true },
  skew: { min: 0, max: 3, whole: false },
};

export function planMistakes(plan: PlanQuery): Partial<Record<keyof PlanQuery, string>> {
  const mistakes: Partial<Record<keyof PlanQuery, string>> = {};
  for (const [field, { min, max, whole }] of Object.entries(BOUNDS) as [keyof PlanQuery, Bound][]) {
    const value = Number(plan[field]);
    const isRight = plan[field].trim() !== '' && value >= min && value <= max && (!whole || Number.isInteger(value));
    if (!isRight)
      mistakes[field] =
        `${whole ? 'A whole number' : 'A number'} from ${min.toLocaleString('en-US')} to ${max.toLocaleString('en-US')}.`;
  }
  return mistakes;
}

/** Bodies of the two requests. */
export function planBody({ targetRps, consumerRps, safety }: PlanQuery) {
  return { target_rps: Number(targetRps), consumer_rps: Number(consumerRps), safety: Number(safety) };
}

export function distributionBody({ source, keys, records, skew }: PlanQuery, partitions: readonly number[]) {
  return source === ''
    ? { partitions, traffic: { keys: Number(keys), records: Number(records), skew: Number(skew) } }
    : { partitions, topic: source };
}
