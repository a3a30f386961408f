-- The states that the shop works with from its first day.
INSERT INTO statuses (id, name, description)
VALUES
    (1, 'pending', 'Placed, payment not confirmed yet'),
    (2, 'paid', 'Paid, waiting to be sent'),
    (3, 'shipped', 'Handed to the carrier, or delivered by download'),
    (4, 'cancelled', 'Called off by the buyer or the shop'),
    (5, 'refunded', 'Money returned to the buyer');

INSERT INTO transaction_status (id, name, description)
VALUES
    (1, 'pending', 'Sent to the card processor, no answer yet'),
    (2, 'cleared', 'Money received'),
    (3, 'declined', 'Refused by the bank'),
    (4, 'refunded', 'Returned in full'),
    (5, 'partially_refunded', 'Returned in part');
