"""What an owner could do to journals, postings, balances, days and snapshots."""

from tests.ledger.corruption import corruption as _c

JOURNAL_COPY = (
    "INSERT INTO journal (id, kind, value_on, booked_on, posted_at, actor, reason, source_kind,"
    " source_id) SELECT 9001, kind, value_on, booked_on, posted_at, actor, reason, source_kind,"
    " source_id FROM journal WHERE id = :open_day"
)
POSTING_COPY = (
    "INSERT INTO posting (id, journal_id, line, debit_code, credit_code, amount_fen)"
    " VALUES (9001, 9001, 1, '10109', '21901', 5)"
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
