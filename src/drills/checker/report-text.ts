import type { CheckReport } from './findings.ts';

/** For people: what was found, with examples, and what was looked at. No line break at its end. */
export function reportText({ findings, checked }: CheckReport): string {
  const { publishes, acknowledged, unknown, failed, inLog, transactions, ownershipChanges } = checked;
  const lookedAt =
    `${count(publishes, 'publish', 'publishes')} (${count(acknowledged)} acknowledged, ${count(unknown)} unknown, ${count(failed)} failed), ` +
    `${count(inLog, 'record', 'records')}, ${count(transactions, 'transaction', 'transactions')}, ` +
    `${count(ownershipChanges, 'change', 'changes')} of ownership`;
  const { applied, duplicates, parked, deadLettered, documents } = checked;
  const stored =
    `${count(applied)} applied, ${count(duplicates, 'duplicate', 'duplicates')}, ${count(parked)} parked, ` +
    `${count(deadLettered)} dead-lettered, ${count(documents, 'document', 'documents')} compared`;
  if (findings.length === 0) return `nothing found in ${lookedAt}; ${stored}`;
  const lines = findings.flatMap((finding) => {
    const more = finding.count - finding.examples.length;
    return [
      `${finding.kind}: ${count(finding.count)}`,
      ...finding.examples.map((example) => `  ${example}`),
      ...(more > 0 ? [`  and ${count(more)} more`] : []),
    ];
  });
  return [...lines, `in ${lookedAt}; ${stored}`].join('\n');
}

function count(value: number, one = '', many = one): string {
  const text = value.toLocaleString('en-US');
  return one === '' ? text : `${text} ${value === 1 ? one : many}`;
}
