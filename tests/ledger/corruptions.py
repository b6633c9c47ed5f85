"""What a database owner could do to the books, and the invariant each of it breaks.

Words with a colon stand for rows of the state that `tests/ledger/ruined.py` builds. `without` names
constraints, indexes and foreign keys that the database would refuse the change by; triggers are
always out of the way while the owner works, and back afterwards.
"""

from dataclasses import dataclass

WORDS = {
    ":deposit": "(SELECT min(id) FROM journal WHERE kind = 'deposit-received')",
    ":second": "(SELECT min(id) FROM journal WHERE source_id = "
    "(SELECT min(id) + 1 FROM wechat_payment))",
    ":suspended": "(SELECT id FROM journal WHERE kind = 'payment-suspended')",
    ":reversal": "(SELECT id FROM journal WHERE reverses_id IS NOT NULL)",
    ":reversed": "(SELECT reverses_id FROM journal WHERE reverses_id IS NOT NULL)",
    ":open_day": "(SELECT max(id) FROM journal)",
    ":anna": "(SELECT min(id) FROM person)",
    ":bert": "(SELECT max(id) FROM person)",
    ":sub_of_anna": "(SELECT min(id) FROM sub_account WHERE kind = 'flexible')",
    ":sub_of_bert": "(SELECT max(id) FROM sub_account WHERE kind = 'flexible')",
    ":empty_sub": "(SELECT min(id) FROM sub_account WHERE kind = 'unit')",
    ":order": "(SELECT order_id FROM wechat_payment WHERE journal_id = "
    "(SELECT min(id) FROM journal WHERE kind = 'deposit-received'))",
    ":other_order": "(SELECT max(order_id) FROM wechat_payment WHERE outcome = 'credited')",
    ":unpaid": "(SELECT min(id) FROM payment_order WHERE state = 'prepaid')",
    ":strange_bytes": "(SELECT token_hash FROM member_session LIMIT 1)",
}
_LONGEST_FIRST = sorted(WORDS, key=len, reverse=True)


@dataclass(frozen=True)
class Corruption:
    """One act, the invariants that must name it, and what stood in its way."""

    what: str
    breaks: tuple[str, ...]
    statements: tuple[str, ...]
    without: tuple[str, ...] = ()
    only_on: str = ""

    def sql(self) -> list[str]:
        """The statements with their words filled in."""
        return [_filled(statement) for statement in self.statements]


def _filled(statement: str) -> str:
    for word in _LONGEST_FIRST:
        statement = statement.replace(word, WORDS[word])
    return statement


def _c(
    what: str, breaks: str, *statements: str, without: str = "", only_on: str = ""
) -> Corruption:
    return Corruption(what, tuple(breaks.split()), statements, tuple(without.split()), only_on)


JOURNAL_COPY = (
    "INSERT INTO journal (id, kind, value_on, booked_on, posted_at, actor, reason, source_kind,"
    " source_id) SELECT 9001, kind, value_on, booked_on, posted_at, actor, reason, source_kind,"
    " source_id FROM journal WHERE id = :open_day"
)
POSTING_COPY = (
    "INSERT INTO posting (id, journal_id, line, debit_code, credit_code, amount_fen)"
    " VALUES (9001, 9001, 1, '10109', '21901', 5)"
)
SECOND_ACCOUNT = (
    "INSERT INTO fund_account (id, account_no, person_id, status, opened_on, opened_at)"
    " VALUES (9001, '99', :anna, '01', '2026-03-04', '2026-03-04 02:00:00')"
)
SECOND_PAYMENT = (
    "INSERT INTO wechat_payment (id, transaction_id, out_trade_no, order_id, appid, mchid,"
    " currency, amount_fen, payer_index, success_at, found_by, recorded_at, outcome, journal_id)"
    " SELECT 9001, '9001', out_trade_no, order_id, appid, mchid, currency, amount_fen,"
    " payer_index, success_at, 'query', recorded_at, outcome, NULL FROM wechat_payment"
    " WHERE order_id = :order"
)

# fmt: off
LEDGER = (
    # --- L1: postings ---
    _c("a fen more", "L4 P1 L3 D1", "UPDATE posting SET amount_fen = amount_fen + 1"
       " WHERE journal_id = :deposit"),
    _c("a posting of nothing", "L1", "UPDATE posting SET amount_fen = 0"
       " WHERE journal_id = :deposit", without="posting.ck_posting_amount_within_bounds"),
    _c("a posting beyond the bounds", "L1", "UPDATE posting SET amount_fen = 10000000000001"
       " WHERE journal_id = :suspended", without="posting.ck_posting_amount_within_bounds"),
    _c("a posting from an account to itself", "L1", "UPDATE posting SET credit_code = '10109'"
       " WHERE journal_id = :suspended", without="posting.ck_posting_two_accounts"),
    _c("a journal deleted under its posting", "L1", "DELETE FROM journal WHERE id = :suspended",
       without="posting.fk_posting_journal_id wechat_payment.fk_wechat_payment_journal_id"),
    _c("a posting deleted", "L1 L3 L4", "DELETE FROM posting WHERE journal_id = :deposit"),
    _c("a posting that forgot its sub-account", "L1 L4", "UPDATE posting SET sub_account_id = NULL,"
       " account_seq = NULL WHERE journal_id = :open_day"),
    _c("flexible money under unit money", "L1 L5", "UPDATE posting SET credit_code = '20101'"
       " WHERE journal_id = :deposit"),
    _c("suspense that names a sub-account", "L1", "UPDATE posting SET account_seq = 99,"
       " sub_account_id = :empty_sub WHERE journal_id = :suspended"),
    _c("money on an account that only sums up", "L1 P1", "UPDATE posting SET credit_code = '219'"
       " WHERE journal_id = :suspended"),
    _c("an account of the chart removed", "L1", "DELETE FROM house_account WHERE code = '20101'",
       without="posting.fk_posting_credit_code posting.fk_posting_debit_code"
       " sub_account.fk_sub_account_control_code book_day_total.fk_book_day_total_code"),
    _c("an account of the chart on the other side", "L1",
       "UPDATE house_account SET side = 'credit' WHERE code = '10109'"),
    _c("an account nobody knows", "L1", "INSERT INTO house_account (code, name, side, parent_code,"
       " is_personal) VALUES ('999', 'private', 'debit', NULL, false)"),
    # --- L2: sources ---
    _c("a journal that names another source", "L2", "UPDATE journal SET source_id = 9999"
       " WHERE id = :deposit"),
    _c("a journal of an unknown source", "L2", "UPDATE journal SET source_kind = 'gift'"
       " WHERE id = :deposit"),
    _c("a payment that forgot its journal", "L2", "UPDATE wechat_payment SET journal_id = NULL"
       " WHERE journal_id = :deposit"),
    _c("two payments that swapped journals", "L2",
       "UPDATE wechat_payment SET journal_id = NULL WHERE journal_id = :deposit",
       "UPDATE wechat_payment SET journal_id = :deposit WHERE journal_id = :open_day",
       "UPDATE wechat_payment SET journal_id = :open_day WHERE journal_id IS NULL"),
    _c("a journal twice", "L2", JOURNAL_COPY, POSTING_COPY, without="journal.uq_journal_source"),
    _c("a journal out of nothing", "L2", JOURNAL_COPY.replace(" source_id FROM", " 77 FROM"),
       POSTING_COPY),
    _c("a correction of nothing", "L2", "UPDATE journal SET reverses_id = NULL"
       " WHERE id = :reversal"),
    # --- L3: the trial balance of sealed days ---
    _c("a sealed day's total edited", "L3", "UPDATE book_day_total SET credit_fen = credit_fen + 1"
       " WHERE day = '2026-03-02' AND code = '20102'"),
    _c("a sealed day's total removed", "L3", "DELETE FROM book_day_total WHERE code = '21901'"),
    _c("a total of a day without journals", "L3",
       "INSERT INTO book_day_total VALUES ('2026-03-04', '10109', 5, 0)"),
    _c("a journal moved between sealed days", "L3", "UPDATE journal SET booked_on = '2026-03-03'"
       " WHERE id = :suspended"),
    _c("a journal moved out of a sealed day", "L3", "UPDATE journal SET booked_on = '2026-03-04'"
       " WHERE id = :suspended"),
    _c("a journal moved into a sealed day", "L3 D2", "UPDATE journal SET booked_on = '2026-03-03'"
       " WHERE id = :open_day"),
    _c("a sealed posting's sides swapped", "L3 P1", "UPDATE posting SET debit_code = '21901',"
       " credit_code = '10109' WHERE journal_id = :suspended"),
    # --- L4, L5: balances ---
    _c("a balance edited", "L4 L5", "UPDATE sub_account SET balance_fen = balance_fen + 1"
       " WHERE id = :sub_of_anna"),
    _c("a fen moved from one balance to another", "L4",
       "UPDATE sub_account SET balance_fen = balance_fen + 1 WHERE id = :sub_of_anna",
       "UPDATE sub_account SET balance_fen = balance_fen - 1 WHERE id = :sub_of_bert"),
    _c("a posting's sides swapped", "L4 L3 P1", "UPDATE posting SET debit_code = credit_code,"
       " credit_code = debit_code WHERE journal_id = :deposit"),
    _c("a deposit moved to somebody else's sub-account", "L4 P1 D1", "UPDATE posting SET"
       " sub_account_id = :sub_of_bert, account_seq = 99 WHERE journal_id = :deposit"),
    _c("a sub-account under the other kind's control", "L5", "UPDATE sub_account SET"
       " control_code = '20101' WHERE id = :sub_of_bert"),
    _c("money of nobody under the control account", "L5", JOURNAL_COPY.replace(
       " source_id FROM", " 77 FROM"), POSTING_COPY.replace("21901", "20102")),
    # --- L7, L8: sequences; L8: append-only ---
    _c("money spent before it came", "L7",
       "UPDATE posting SET account_seq = 99 WHERE journal_id = :reversed",
       "UPDATE posting SET account_seq = 2 WHERE journal_id = :reversal",
       "UPDATE posting SET account_seq = 3 WHERE journal_id = :reversed"),
    _c("a gap in the sequence", "L8", "UPDATE posting SET account_seq = 9 WHERE"
       " journal_id = :open_day", "UPDATE sub_account SET last_seq = 9 WHERE id = :sub_of_bert"),
    _c("a sequence twice", "L8", "UPDATE posting SET account_seq = 1 WHERE journal_id = :open_day",
       without="posting.uq_posting_sub_account_id_account_seq"),
    _c("a last sequence edited", "L8", "UPDATE sub_account SET last_seq = last_seq + 1"
       " WHERE id = :sub_of_anna"),
    _c("a last sequence where nothing was posted", "L8", "UPDATE sub_account SET last_seq = 1"
       " WHERE id = :empty_sub"),
    _c("the journal's update trigger dropped", "L8", "DROP TRIGGER journal_refuses_update",
       only_on="sqlite"),
    _c("the posting's delete trigger dropped", "L8", "DROP TRIGGER posting_refuses_delete",
       only_on="sqlite"),
    _c("a trigger that never fires", "L8", "DROP TRIGGER posting_refuses_update",
       "CREATE TRIGGER posting_refuses_update BEFORE UPDATE ON posting WHEN 0"
       " BEGIN SELECT RAISE(ABORT, 'posting is append-only'); END", only_on="sqlite"),
    _c("the journal's trigger dropped", "L8", "DROP TRIGGER journal_refuses_change ON journal",
       only_on="postgresql"),
    _c("the posting's trigger disabled", "L8",
       "ALTER TABLE posting DISABLE TRIGGER posting_refuses_change", only_on="postgresql"),
    _c("a trigger that refuses nothing", "L8", "CREATE OR REPLACE FUNCTION refuse_change()"
       " RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$", only_on="postgresql"),
    _c("the app allowed to change postings", "L8", "GRANT UPDATE ON posting TO lingcun_app",
       only_on="postgresql"),
    _c("the app allowed to remove journals", "L8", "GRANT DELETE ON journal TO lingcun_app",
       only_on="postgresql"),
    _c("the app allowed to empty the postings", "L8", "GRANT TRUNCATE ON posting TO lingcun_app",
       only_on="postgresql"),
    # --- L10: corrections; L11: who and why ---
    _c("a correction of another amount", "L10", "UPDATE posting SET amount_fen = amount_fen - 1"
       " WHERE journal_id = :reversal"),
    _c("a correction that repeats instead of undoing", "L10", "UPDATE posting SET"
       " debit_code = credit_code, credit_code = debit_code WHERE journal_id = :reversal"),
    _c("a correction of another journal", "L10", "UPDATE journal SET reverses_id = :deposit"
       " WHERE id = :reversal"),
    _c("a correction with a line too many", "L10",
       "INSERT INTO posting (id, journal_id, line, debit_code, credit_code, amount_fen)"
       " VALUES (9001, :reversal, 2, '10109', '21901', 5)"),
    _c("a correction of itself", "L10", "UPDATE journal SET reverses_id = id WHERE id = :reversal"),
    _c("nobody did it", "L11", "UPDATE journal SET actor = '' WHERE id = :deposit",
       without="journal.ck_journal_actor_and_reason"),
    _c("somebody did it", "L11", "UPDATE journal SET actor = 'somebody' WHERE id = :deposit"),
    _c("no reason given", "L11", "UPDATE journal SET reason = '  ' WHERE id = :deposit"),
    _c("no source given", "L11", "UPDATE journal SET source_kind = '' WHERE id = :deposit"),
)

DAYS = (
    _c("a snapshot's closing edited", "D1 D4", "UPDATE daily_balance_snapshot SET"
       " closing_fen = closing_fen + 1 WHERE sub_account_id = :sub_of_anna"),
    _c("a snapshot's product edited", "D1", "UPDATE daily_balance_snapshot SET"
       " product_fen_days = product_fen_days + 1 WHERE sub_account_id = :sub_of_anna"),
    _c("a snapshot removed", "D1", "DELETE FROM daily_balance_snapshot"
       " WHERE sub_account_id = :sub_of_bert AND day = '2026-03-03'"),
    _c("all snapshots of a person removed", "D1", "DELETE FROM daily_balance_snapshot"
       " WHERE sub_account_id = :sub_of_bert"),
    _c("a snapshot on a day that did not move", "D1", "INSERT INTO daily_balance_snapshot"
       " SELECT sub_account_id, '2026-03-05', closing_fen, product_fen_days"
       " FROM daily_balance_snapshot WHERE sub_account_id = :sub_of_anna"),
    _c("a snapshot moved a day", "D1", "UPDATE daily_balance_snapshot SET day = '2026-03-01'"
       " WHERE sub_account_id = :sub_of_anna"),
    _c("snapshots of nothing", "D1", "INSERT INTO daily_balance_snapshot"
       " VALUES (:empty_sub, '2026-03-02', 100, 100)"),
    _c("a value day moved", "D1 D3", "UPDATE journal SET value_on = '2026-02-27'"
       " WHERE id = :deposit"),
    _c("a suspended payment's value day moved", "D3", "UPDATE journal SET value_on = '2026-02-27'"
       " WHERE id = :suspended"),
    _c("WeChat's word about the time edited", "D3", "UPDATE wechat_payment SET"
       " success_at = '2026-03-02 16:00:00' WHERE journal_id = :deposit"),
    _c("a journal written after the seal", "D2", "UPDATE journal SET"
       " posted_at = '2026-03-05 01:00:00' WHERE id = :suspended"),
    _c("a journal booked before it was posted", "D2", "UPDATE journal SET"
       " posted_at = '2026-03-05 01:00:00' WHERE id = :open_day"),
    _c("a day unsealed out of order", "D2", "UPDATE book_day SET sealed_at = NULL"
       " WHERE day = '2026-03-02'"),
    _c("the last sealed day unsealed", "L3", "UPDATE book_day SET sealed_at = NULL"
       " WHERE day = '2026-03-03'"),
    _c("a day sealed before it was over", "D2", "UPDATE book_day SET"
       " sealed_at = '2026-03-02 15:59:59' WHERE day = '2026-03-02'"),
    _c("a day skipped when sealing", "D2",
       "INSERT INTO book_day VALUES ('2026-03-06', '2026-03-07 01:00:00')"),
    _c("an open day before the books began", "D2",
       "INSERT INTO book_day VALUES ('2026-02-20', NULL)"),
)

PAYMENTS = (
    _c("a payment's amount edited", "P1", "UPDATE wechat_payment SET amount_fen = amount_fen + 1"
       " WHERE journal_id = :deposit"),
    _c("an order's amount edited", "P1", "UPDATE payment_order SET amount_fen = amount_fen + 1"
       " WHERE id = :order"),
    _c("a payment for another merchant", "P1", "UPDATE wechat_payment SET mchid = '1'"
       " WHERE journal_id = :deposit"),
    _c("a payment for another app", "P1", "UPDATE wechat_payment SET appid = 'wx1'"
       " WHERE journal_id = :deposit"),
    _c("a payment by somebody else", "P1", "UPDATE wechat_payment SET"
       " payer_index = :strange_bytes WHERE journal_id = :deposit"),
    _c("an order's payer and its payment's both edited", "P1",
       "UPDATE wechat_payment SET payer_index = :strange_bytes WHERE journal_id = :deposit",
       "UPDATE payment_order SET payer_index = :strange_bytes WHERE id = :order"),
    _c("a payment in another currency", "P1", "UPDATE wechat_payment SET currency = 'USD'"
       " WHERE journal_id = :deposit"),
    _c("a payment of another order number", "P1", "UPDATE wechat_payment SET out_trade_no = 'LC1'"
       " WHERE journal_id = :deposit"),
    _c("another transaction", "P4", "UPDATE wechat_payment SET transaction_id = '1'"
       " WHERE journal_id = :deposit"),
    _c("an order credited by two payments", "P1", SECOND_PAYMENT,
       without="wechat_payment.uq_wechat_payment_credited_order"),
    _c("an order of another person", "P1 P8", "UPDATE payment_order SET person_id = :bert"
       " WHERE id = :order"),
    _c("two people who swapped their sub-accounts", "P1",
       "UPDATE sub_account SET account_id = 3 - account_id WHERE kind = 'flexible'",
       without="sub_account.uq_sub_account_account_id_kind"),
    _c("a credit booked as something else", "P1", "UPDATE journal SET kind = 'gift-received'"
       " WHERE id = :deposit"),
    _c("a credit called suspended", "P4 P1", "UPDATE wechat_payment SET outcome = 'suspended'"
       " WHERE journal_id = :deposit"),
    _c("suspense called a credit", "P1", "UPDATE wechat_payment SET outcome = 'credited',"
       " order_id = :unpaid WHERE journal_id = :suspended"),
    _c("a payment removed", "L2 P3", "DELETE FROM wechat_payment WHERE journal_id = :deposit"),
    _c("a credited order called unpaid", "P1", "UPDATE payment_order SET state = 'prepaid'"
       " WHERE id = :order"),
    _c("a credited order called closed", "P1 P3", "UPDATE payment_order SET state = 'closed'"
       " WHERE id = :order"),
    _c("an unpaid order called credited", "P3", "UPDATE payment_order SET state = 'credited'"
       " WHERE id = :unpaid"),
    _c("an order closed without a time", "P3", "UPDATE payment_order SET state = 'closed'"
       " WHERE id = :unpaid"),
    _c("a new order that can be paid already", "P3", "UPDATE payment_order SET state = 'created'"
       " WHERE id = :unpaid"),
    _c("a prepaid order that nobody can pay", "P3", "UPDATE payment_order SET prepay_id = NULL"
       " WHERE id = :unpaid", without="payment_order.ck_payment_order_prepaid_has_id"),
    _c("an order closed before it was made", "P3", "UPDATE payment_order SET"
       " closed_at = '2020-01-01 00:00:00' WHERE state = 'closed'"),
    _c("the order's trigger dropped", "P3", "DROP TRIGGER payment_order_moves_forward",
       only_on="sqlite"),
    _c("the order's trigger disabled", "P3", "ALTER TABLE payment_order DISABLE TRIGGER"
       " payment_order_moves_forward", only_on="postgresql"),
    _c("a notice that claims too much", "P4", "UPDATE notice SET outcome = 'credited',"
       " transaction_id = '1' WHERE outcome = 'unconfirmed'"),
    _c("a notice removed from the inbox", "P4", "DELETE FROM notice WHERE outcome = 'credited'"),
    _c("the case of a suspended payment removed", "P4",
       "DELETE FROM payment_case WHERE kind = 'suspended'"),
    _c("the case of a suspended payment closed while the money stands there", "P4",
       "UPDATE payment_case SET resolved_at = '2026-03-04 02:00:00', resolution = 'done'"
       " WHERE kind = 'suspended'"),
    _c("the case of a suspended payment torn off", "P4",
       "UPDATE payment_case SET payment_id = NULL WHERE kind = 'suspended'"),
    _c("the case of an unconfirmed notice removed", "P4",
       "DELETE FROM payment_case WHERE kind = 'unconfirmed'"),
    _c("a key moved to another person", "P8", "UPDATE idempotency_key SET person_id = :bert"
       " WHERE order_id = :order"),
    _c("a key moved to another order", "P8", "UPDATE idempotency_key SET order_id = :other_order"
       " WHERE order_id = :order"),
    _c("a key removed", "P8", "DELETE FROM idempotency_key WHERE order_id = :order"),
    _c("a key twice", "P8", "INSERT INTO idempotency_key (id, person_id, route, key, body_sha256,"
       " order_id, created_at) SELECT 9001, person_id, route, key, body_sha256, :unpaid,"
       " created_at FROM idempotency_key WHERE order_id = :order",
       without="idempotency_key.uq_idempotency_key_person_route_key"),
)

PEOPLE = (
    _c("a second account", "W1", SECOND_ACCOUNT,
       without="fund_account.uq_fund_account_open_person"),
    _c("a blind index edited", "W1", "UPDATE person SET id_number_index = :strange_bytes"
       " WHERE id = :anna"),
    _c("one ID number twice", "W1", "UPDATE person SET id_number ="
       " (SELECT id_number FROM person WHERE id = :bert) WHERE id = :anna"),
    _c("a phone index edited", "W1", "UPDATE person SET phone_index = :strange_bytes"
       " WHERE id = :anna"),
    _c("an openid index edited", "W1", "UPDATE wechat_account SET openid_index = :strange_bytes"
       " WHERE person_id = :anna"),
    _c("a sub-account removed", "W1", "DELETE FROM sub_account WHERE id = :empty_sub"),
    _c("an account without a segment", "W1", "DELETE FROM identity_segment WHERE account_id = 1"),
    _c("an account number edited", "W1", "UPDATE fund_account SET account_no = '12' WHERE id = 1"),
    _c("an account of nobody", "W2", "UPDATE fund_account SET person_id = 9999 WHERE id = 1",
       without="fund_account.fk_fund_account_person_id"),
    _c("an account without an agreement", "W2", "DELETE FROM agreement WHERE person_id = :bert",
       without="payment_order.fk_payment_order_agreement_id"),
    _c("an agreement signed after opening", "W2", "UPDATE agreement SET"
       " signed_at = '2026-03-05 00:00:00' WHERE person_id = :bert"),
    _c("an agreement of another person", "W2", "UPDATE agreement SET person_id = :anna"
       " WHERE person_id = :bert"),
    _c("an agreement's text swapped", "W2", "UPDATE agreement SET text ="
       " (SELECT text FROM agreement WHERE person_id = :bert) WHERE person_id = :anna"),
    _c("an identity check that was not passed", "W2", "UPDATE identity_check SET state = 'failed'"
       " WHERE person_id = :bert"),
    _c("an identity check of somebody else", "W2", "UPDATE identity_check SET person_id = :anna"
       " WHERE person_id = :bert"),
    _c("an agreement on a refused application", "W2", "UPDATE enrolment SET state = 'refused'"
       " WHERE person_id = :bert"),
    _c("an account without a first deposit", "W2", "DELETE FROM posting"
       " WHERE sub_account_id = :sub_of_anna"),
    _c("joined as a child", "W3", "UPDATE enrolment SET decided_on = '2005-12-31'"
       " WHERE person_id = :bert"),
    _c("joined as a minor without the declaration", "W3", "UPDATE enrolment SET"
       " decided_on = '2007-06-01', own_labour_income = false WHERE person_id = :bert"),
    _c("joined in retirement", "W3", "UPDATE enrolment SET decided_on = '2060-01-01'"
       " WHERE person_id = :bert"),
    _c("a rule of a policy edited", "D7", "UPDATE policy_version SET document ="
       " replace(document, '16', '14')"),
    _c("a policy's hash edited", "D7", "UPDATE policy_version SET sha256 = 'f'"),
)

CORRUPTIONS = (*LEDGER, *DAYS, *PAYMENTS, *PEOPLE)

REFUSED = (
    _c("a journal reversed twice", "", "INSERT INTO journal (id, kind, value_on, booked_on,"
       " posted_at, actor, reason, source_kind, source_id, reverses_id) SELECT 9001, 'again',"
       " value_on, booked_on, posted_at, actor, reason, source_kind, source_id, reverses_id"
       " FROM journal WHERE id = :reversal"),
    _c("a transaction twice", "", SECOND_PAYMENT.replace("'9001'", "transaction_id")),
    _c("an order number twice", "", "UPDATE payment_order SET out_trade_no ="
       " (SELECT out_trade_no FROM payment_order WHERE id = :order) WHERE id = :unpaid"),
    _c("a notice twice", "", "INSERT INTO notice (id, notice_id, event_type, out_trade_no,"
       " transaction_id, body_sha256, received_at, outcome) SELECT 9001, notice_id, event_type,"
       " out_trade_no, transaction_id, body_sha256, received_at, outcome FROM notice"),
    _c("two people with one blind index", "", "UPDATE person SET id_number_index ="
       " (SELECT id_number_index FROM person WHERE id = :bert) WHERE id = :anna"),
    _c("a payment with two journals", "", "UPDATE wechat_payment SET journal_id = :deposit"
       " WHERE journal_id = :suspended"),
    _c("a second open account", "", SECOND_ACCOUNT),
    _c("an order credited twice", "", SECOND_PAYMENT),
    _c("a sequence twice", "", "UPDATE posting SET account_seq = 1 WHERE journal_id = :open_day"),
    _c("a balance below zero", "", "UPDATE sub_account SET balance_fen = -1"),
    _c("a snapshot below zero", "", "UPDATE daily_balance_snapshot SET closing_fen = -1"),
    _c("an unknown order state", "", "UPDATE payment_order SET state = 'lost' WHERE id = :unpaid"),
    _c("a case with half a resolution", "", "UPDATE payment_case SET resolution = 'done'"),
    _c("an account closed by halves", "", "UPDATE fund_account SET status = '05'"),
    _c("a second deployment", "", "UPDATE deployment SET id = 2"),
    _c("the same day sealed twice", "", "INSERT INTO book_day VALUES ('2026-03-02', NULL)"),
)
