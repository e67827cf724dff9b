"""The table of an invitation's life: complete, consistent, and as the design draws it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.lifecycle import TABLE, Effect, Event, diagram, step
from gateway.domain.vocabulary import LIVE, OPEN, RESTING, State

ENDS = {State.ACCEPTED, State.CANCELLED, State.LAPSED}


def test_what_has_ended_stays_ended():
    assert {state for (state, _), move in TABLE.items() if move.to != state} == set(State) - ENDS


def test_every_state_is_reached_and_every_event_means_something():
    assert {move.to for move in TABLE.values()} | {State.AWAITING} == set(State)
    assert {event for _, event in TABLE} == set(Event)
    assert {effect for move in TABLE.values() for effect in move.effects} == set(Effect)


@pytest.mark.parametrize("state", OPEN)
def test_every_open_state_can_be_cancelled_and_joined(state):
    assert step(state, Event.CANCEL).to is State.CANCELLED
    assert step(state, Event.JOINED) is not None


def test_held_mail_is_destroyed_exactly_where_it_can_never_be_delivered():
    for (state, _), move in TABLE.items():
        assert (Effect.DESTROY_HELD in move.effects) == (state in OPEN and move.to in (State.CANCELLED, State.LAPSED))
        assert (Effect.RELEASE_HELD in move.effects) == (move.to is State.ACCEPTED)


def test_inviting_again_always_replaces_the_link():
    for state in RESTING:
        assert Effect.NEW_LINK in step(state, Event.REINVITE).effects
        assert step(state, Event.DETAILS) is None


def test_every_new_link_goes_out_by_itself_with_a_round_and_a_time_of_its_own():
    replaced = [move for move in TABLE.values() if Effect.NEW_LINK in move.effects]
    assert step(State.INVITED, Event.CORRECTED) in replaced
    for move in TABLE.values():
        assert (Effect.FORGIVE_WRONG_BIRTHDATES in move.effects) == (move in replaced)
    for move in replaced:
        assert {Effect.RESTART_SCHEDULE, Effect.SEND_INVITATION} <= set(move.effects)


def test_a_reminder_by_the_sender_moves_no_date():
    assert step(State.INVITED, Event.REMIND).effects == (Effect.SEND_REMINDER,)


@pytest.mark.parametrize("state", set(OPEN) - {State.EXPIRED})
def test_who_joins_near_the_end_begins_anew(state):
    assert step(state, Event.JOINED_LATE).to is state
    assert Effect.RESTART_SCHEDULE in step(state, Event.JOINED_LATE).effects


def test_only_an_invited_person_can_accept():
    assert [state for state, event in TABLE if event is Event.ACCEPT] == [State.INVITED]


def test_a_change_of_state_that_has_a_calendar_restarts_it():
    for (state, _), move in TABLE.items():
        if move.to != state and move.to not in ENDS:
            assert Effect.RESTART_SCHEDULE in move.effects


@given(st.lists(st.sampled_from(Event)))
def test_no_order_of_events_leaves_the_table(events):
    state, released = State.AWAITING, False
    for event in events:
        move = step(state, event)
        if move is None:
            continue
        state = move.to
        assert not (released and Effect.DESTROY_HELD in move.effects)
        released = released or Effect.RELEASE_HELD in move.effects
    assert state in LIVE + RESTING or state in ENDS


def test_the_diagram_names_every_change_of_state():
    drawn = diagram()
    assert "invited --> locked: third wrong birthdate" in drawn
    changes = sum(move.to != state for (state, _), move in TABLE.items())
    assert drawn.count(" --> ") == changes + 1 + len(ENDS)
