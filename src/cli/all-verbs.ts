/** Every verb by its first word. A module is loaded when its verb is asked for: all of them together take a second to load. */
import type { Command } from 'commander';
import { NAMES_VERB } from './completion-script.ts';
import type { VerbContext } from './verbs.ts';

type AddVerb = (program: Command, context: VerbContext) => void;

/** In the order of the help. */
export const VERBS: Readonly<Record<string, () => Promise<AddVerb>>> = {
  up: async () => (await import('./up.ts')).upVerb,
  demo: async () => (await import('./demo.ts')).demoVerb,
  events: async () => (await import('./events.ts')).eventVerbs,
  topics: async () => (await import('./topics.ts')).topicVerbs,
  groups: async () => (await import('./groups.ts')).groupVerbs,
  configs: async () => (await import('./configs.ts')).logConfigVerbs,
  acls: async () => (await import('./acls.ts')).aclVerbs,
  produce: async () => (await import('./produce.ts')).produceVerb,
  consume: async () => (await import('./consume.ts')).consumeVerb,
  tutorial: async () => (await import('./tutorial.ts')).tutorialVerb,
  engagement: async () => (await import('./engagement.ts')).engagementVerbs,
  notifications: async () => (await import('./notifications.ts')).notificationVerbs,
  analytics: async () => (await import('./analytics.ts')).analyticsVerbs,
  feed: async () => (await import('./feed.ts')).feedVerb,
  projections: async () => (await import('./projections.ts')).projectionVerbs,
  state: async () => (await import('./state.ts')).stateVerbs,
  dlq: async () => (await import('./dlq.ts')).dlqVerbs,
  verify: async () => (await import('./verify.ts')).verifyVerb,
  cluster: async () => (await import('./cluster.ts')).clusterVerbs,
  drill: async () => (await import('./drill.ts')).drillVerbs,
  config: async () => (await import('./config.ts')).configVerbs,
  doctor: async () => (await import('./doctor.ts')).doctorVerb,
  completion: async () => (await import('./completion.ts')).completionVerb,
  [NAMES_VERB]: async () => (await import('./completion.ts')).namesVerb,
};

/** The verb that the first word names. All of them for what looks at all: the help, the completion, a word that is none. */
export async function addVerbs(program: Command, context: VerbContext, firstWord: string | undefined): Promise<void> {
  if (firstWord === '--version' || firstWord === '-V') return;
  const isOne = firstWord !== undefined && firstWord !== 'completion' && Object.hasOwn(VERBS, firstWord);
  const added = await Promise.all((isOne ? [VERBS[firstWord]!] : Object.values(VERBS)).map((load) => load()));
  for (const add of added) add(program, context);
}
