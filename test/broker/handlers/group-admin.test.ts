import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deleteGroups } from '../../../src/broker/handlers/delete-groups.ts';
import { describeGroups } from '../../../src/broker/handlers/describe-groups.ts';
import { findCoordinator } from '../../../src/broker/handlers/find-coordinator.ts';
import { joinGroup } from '../../../src/broker/handlers/join-group.ts';
import { listGroups } from '../../../src/broker/handlers/list-groups.ts';
import { ERROR } from '../../../src/broker/protocol/error-codes.ts';
import { ask, versions } from './ask.ts';
import { assignment, GROUP, groupBroker, joinRequest, member, subscription } from './group-broker.ts';

const OUTSIDE = { generation: -1, memberId: '' };
const OFFSETS = [{ topic: 't', partition: 0, offset: 1 }];

describe('FindCoordinator', () => {
  test('names this broker for groups, in every version', async () => {
    const { broker } = groupBroker();
    const here = { nodeId: 1, host: '127.0.0.1', port: 9_999, errorCode: ERROR.NONE, errorMessage: null };
    for (const version of versions(findCoordinator)) {
      const request = { key: 'a', keyType: 0, coordinatorKeys: ['a', 'b'] };
      const { coordinators, throttleTimeMs: _, ...first } = (await ask(findCoordinator, version, request, broker))!;
      if (version < 4) assert.deepEqual(first, here);
      else
        assert.deepEqual(
          coordinators,
          ['a', 'b'].map((key) => ({ key, ...here })),
        );
    }
    assert.deepEqual((await ask(findCoordinator, 4, { keyType: 0, coordinatorKeys: [] }, broker))!.coordinators, []);
  });

  test('says that there are no transactions, and knows no other coordinators', async () => {
    const { broker } = groupBroker();
    const find = async (keyType: number, version: number) => {
      const answer = (await ask(findCoordinator, version, { key: 'a', keyType, coordinatorKeys: ['a'] }, broker))!;
      const { errorCode, errorMessage, nodeId } = version < 4 ? answer : answer.coordinators[0]!;
      return [errorCode, errorMessage, nodeId];
    };
    for (const version of versions(findCoordinator).slice(1)) {
      const refused = [ERROR.CLUSTER_AUTHORIZATION_FAILED, 'transactions are not offered by the embedded log', -1];
      assert.deepEqual(await find(1, version), refused);
      for (const unknown of [2, 7, -1]) assert.equal((await find(unknown, version))[0], ERROR.INVALID_REQUEST);
    }
  });
});

describe('ListGroups', () => {
  test('lists groups with and without members, in every version', async () => {
    const { broker, coordinator } = groupBroker();
    await member(broker);
    await coordinator.commit({ groupId: 'simple', ...OUTSIDE }, OFFSETS);
    for (const version of versions(listGroups)) {
      const answer = await ask(listGroups, version, { statesFilter: [], typesFilter: [] }, broker);
      const [state, type] = [version >= 4, version >= 5];
      const groupType = type ? 'classic' : '';
      assert.deepEqual(answer, {
        throttleTimeMs: 0,
        errorCode: ERROR.NONE,
        groups: [
          { groupId: GROUP, protocolType: 'consumer', groupState: state ? 'Stable' : '', groupType },
          { groupId: 'simple', protocolType: '', groupState: state ? 'Empty' : '', groupType },
        ],
      });
    }
  });

  test('filters by state and by type', async () => {
    const { broker, coordinator } = groupBroker();
    await member(broker);
    await coordinator.commit({ groupId: 'simple', ...OUTSIDE }, OFFSETS);
    const list = async (statesFilter: string[], typesFilter: string[]) =>
      (await ask(listGroups, 5, { statesFilter, typesFilter }, broker))!.groups.map(({ groupId }) => groupId);
    assert.deepEqual(await list(['stable'], []), [GROUP]);
    assert.deepEqual(await list([' Empty ', 'Dead'], ['Classic']), ['simple']);
    assert.deepEqual(await list(['Stable', 'Empty'], ['consumer', 'classic']), [GROUP, 'simple']);
    assert.deepEqual(await list([], ['consumer']), []);
    assert.deepEqual(await list(['Assigning'], []), []);
  });
});

describe('DescribeGroups', () => {
  test('describes a stable group with its members, in every version', async () => {
    for (const version of versions(describeGroups)) {
      const { broker } = groupBroker();
      const { memberId } = await member(broker, 'me');
      const answer = await ask(
        describeGroups,
        version,
        { groups: [GROUP], includeAuthorizedOperations: false },
        broker,
      );
      assert.deepEqual(answer!.groups, [
        {
          errorCode: ERROR.NONE,
          errorMessage: null,
          groupId: GROUP,
          groupState: 'Stable',
          protocolType: 'consumer',
          protocolData: 'range',
          members: [
            {
              memberId,
              groupInstanceId: version >= 4 ? 'me' : null,
              clientId: 'client',
              clientHost: '/127.0.0.1',
              memberMetadata: subscription,
              memberAssignment: assignment,
            },
          ],
          authorizedOperations: -2147483648,
        },
      ]);
    }
  });

  test('prints the states as Kafka does', async () => {
    const { broker, coordinator } = groupBroker();
    const state = async (version = 5, groupId = GROUP) => {
      const request = { groups: [groupId], includeAuthorizedOperations: false };
      return (await ask(describeGroups, version, request, broker))!.groups[0]!.groupState;
    };
    assert.equal(await state(), 'Dead');
    const { memberId } = (await ask(joinGroup, 3, joinRequest, broker))!;
    assert.equal(await state(), 'CompletingRebalance');
    const joining = ask(joinGroup, 3, joinRequest, broker);
    assert.equal(await state(), 'PreparingRebalance');
    await coordinator.leave({ groupId: GROUP, memberId });
    await coordinator.leave({ groupId: GROUP, memberId: (await joining)!.memberId });
    assert.equal(await state(), 'Empty');
  });

  test('has no group that nobody knows, and says so from version 6 on', async () => {
    const { broker } = groupBroker();
    for (const version of versions(describeGroups)) {
      const request = { groups: ['nobody'], includeAuthorizedOperations: true };
      const [group] = (await ask(describeGroups, version, request, broker))!.groups;
      const said = version >= 6 ? [ERROR.GROUP_ID_NOT_FOUND, 'Group nobody not found.'] : [ERROR.NONE, null];
      assert.deepEqual([group!.errorCode, group!.errorMessage, group!.groupState], [...said, 'Dead']);
    }
  });

  test('says what everybody may do, when asked', async () => {
    const { broker } = groupBroker();
    await member(broker);
    const request = { groups: [GROUP], includeAuthorizedOperations: true };
    const [group] = (await ask(describeGroups, 5, request, broker))!.groups;
    assert.equal(group!.authorizedOperations, (1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11));
  });
});

test('DeleteGroups deletes groups without members, in every version', async () => {
  for (const version of versions(deleteGroups)) {
    const { broker, coordinator } = groupBroker();
    await member(broker);
    await coordinator.commit({ groupId: 'simple', ...OUTSIDE }, OFFSETS);
    const groupsNames = [GROUP, 'simple', 'nobody', 'simple'];
    assert.deepEqual((await ask(deleteGroups, version, { groupsNames }, broker))!.results, [
      { groupId: GROUP, errorCode: ERROR.NON_EMPTY_GROUP },
      { groupId: 'simple', errorCode: ERROR.NONE },
      { groupId: 'nobody', errorCode: ERROR.GROUP_ID_NOT_FOUND },
    ]);
    assert.deepEqual(await coordinator.committed('simple'), []);
  }
});
