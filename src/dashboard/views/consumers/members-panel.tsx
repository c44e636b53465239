/** Who is in a group, and who reads what. */
import type { Group } from '../../../api/group-schemas.ts';
import { count, plural } from '../../format.ts';
import { Empty } from '../../parts/notes.tsx';
import { Panel } from '../../parts/page.tsx';
import { ScrollRegion } from '../../parts/scroll-region.tsx';
import { type Column, ExportButtons, Table } from '../../parts/table.tsx';
import { Id } from '../../parts/values.tsx';
import { memberNames, type Ownership, ownership, rangesText } from './groups-model.ts';

type Member = Group['members'][number];

/** More columns than these are no picture any more. */
const MAX_COLUMNS = 32;

const COLUMNS: readonly Column<Member>[] = [
  { head: 'Client id', names: true, value: ({ client_id }) => client_id },
  { head: 'Host', value: ({ host }) => host.replace(/^\//, '') || null },
  { head: 'Partitions', number: true, value: (member) => partitionsOf(member) },
  { head: 'Lag, records', number: true, value: ({ lag }) => lag, show: ({ lag }) => count(lag) },
  {
    head: 'Reads',
    value: ({ assignment }) =>
      assignment.map(({ topic, partitions }) => `${topic} ${rangesText(partitions)}`).join('; '),
  },
  {
    head: 'Member id',
    value: ({ member_id }) => member_id,
    show: ({ member_id }) => <Id value={member_id} />,
  },
  { head: 'Static id', value: ({ instance_id }) => instance_id },
];

export function MembersPanel({ group }: { readonly group: Group }) {
  const { members } = group;
  const columns = members.some(({ instance_id }) => instance_id !== null)
    ? COLUMNS
    : COLUMNS.filter(({ head }) => head !== 'Static id');
  return (
    <>
      <Panel
        title="Members"
        note={plural(members.length, 'member')}
        actions={<ExportButtons name={`members-${group.group}`} columns={columns} rows={members} />}
        flush
      >
        <div class="members-table">
          <Table
            caption={`Who is in ${group.group}`}
            columns={columns}
            rows={members}
            keyOf={({ member_id }) => member_id}
            tall
            empty={
              <Empty title="Nobody is in this group">
                <p>Its offsets are kept: a consumer that joins goes on where the last one committed.</p>
              </Empty>
            }
          />
        </div>
      </Panel>
      {ownership(group).map((one) => (
        <Panel key={one.topic} title={`Who reads ${one.topic}`} note={plural(one.partitions.length, 'partition')} flush>
          <Matrix of={one} members={members} />
        </Panel>
      ))}
    </>
  );
}

function Matrix({
  of: { topic, partitions, owners },
  members,
}: {
  readonly of: Ownership;
  readonly members: readonly Member[];
}) {
  const names = memberNames(members);
  const nobody = owners.some((owner) => owner === null || !names.has(owner));
  const rows = [...names].map(([id, name]) => ({ name, owns: owners.map((owner) => owner === id) }));
  if (nobody) rows.push({ name: 'nobody', owns: owners.map((owner) => owner === null || !names.has(owner)) });
  const isWide = partitions.length > MAX_COLUMNS;
  return (
    <ScrollRegion class="table-scroll tall" label={`Owners of ${topic}`}>
      <table class="table matrix">
        <caption class="visually-hidden">Who reads which partition of {topic}</caption>
        <thead>
          <tr>
            <th scope="col">Member</th>
            {isWide ? (
              <th scope="col">Partitions</th>
            ) : (
              partitions.map((partition) => (
                <th key={partition} scope="col" class="cell">
                  <span class="visually-hidden">partition </span>
                  {partition}
                </th>
              ))
            )}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, owns }) => (
            <tr key={name} class={name === 'nobody' ? 'unowned' : ''}>
              <th scope="row">{name}</th>
              {isWide ? (
                <td>{rangesText(partitions.filter((_, index) => owns[index])) || '–'}</td>
              ) : (
                owns.map((isOwn, index) => (
                  <td key={partitions[index]} class={`cell ${isOwn ? 'own' : ''}`}>
                    {isOwn && <span class="visually-hidden">{name === 'nobody' ? 'nobody reads it' : 'reads it'}</span>}
                  </td>
                ))
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  );
}

function partitionsOf({ assignment }: Member): number {
  return assignment.reduce((sum, { partitions }) => sum + partitions.length, 0);
}
